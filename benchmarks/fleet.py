"""A fleet on paper against the same work on this machine, in one table.

Speech of the packaged clips is joined to recordings of many lengths. Half of them tell what a
worker is like: one process takes one recording, then all of that half. The other half is played
through on paper with one worker and with two, and run for real with as many processes, each on a
core of its own. A round does all of this once, so that a busy machine is busy for both.

    python benchmarks/fleet.py --rounds=5 --json
    python benchmarks/fleet.py --hours=10000,100000

With ``--hours``, only paper is used: so many hours in recordings of 1 s to 2 h, half of them
shorter than 4 minutes, of 17 kB a second, on workers that ``docs/fleet.md`` names.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from machine import describe_machine, machine_line
from reference import markdown_table

from beam_audio.command.estimate import list_inputs, survey
from beam_audio.command.flags import resolve
from beam_audio.command.fleet import Fleet, simulate
from beam_audio.command.fleet_choice import Worker, simulated
from beam_audio.command.fleet_work import Cut, Pace, Recordings, seconds_of_work
from beam_audio.unit.headers import header_request

RATE_HZ: Final = 16_000
CLIPS: Final = Path(__file__).resolve().parents[1] / "beam_audio" / "data" / "demo"
UNIT_BYTES: Final = 4 << 20
# A machine of 8 cores with whisper-base in int8 and condensed padding, by the table of `plan`.
CORES, TIMES_REAL_TIME, PRICE, DEADLINE_HOURS = 8, 8 * 17.1, 0.40, 24.0
PROCESSES: Final = (1, 2)


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of the rounds: seconds on paper and for real, and their ratio."""

    processes: int
    units: int
    paper_seconds: float
    real_seconds: float
    ratio: float


def write_recordings(folder: Path, count: int, random: np.random.Generator) -> None:
    """So many recordings of 5 to 60 s, each from a place of its own in the packaged speech."""
    speech = np.concatenate(
        [soundfile.read(path, dtype="int16")[0] for path in sorted(CLIPS.glob("*.wav"))]
    )
    folder.mkdir()
    for index in range(count):
        samples = round(min(60.0, 5 + random.lognormal(2.5, 0.8)) * RATE_HZ)
        turned = np.roll(speech, -int(random.integers(len(speech))))
        soundfile.write(folder / f"{index:04}.wav", np.resize(turned, samples), RATE_HZ)


def run(audio: Path, processes: int, model: list[str]) -> float:
    """Seconds of the graph of one run, in so many processes on as many cores."""
    with tempfile.TemporaryDirectory() as output:
        command = [
            *("taskset", "-c", f"0-{processes - 1}", sys.executable, "-m", "beam_audio", "run"),
            *(f"--input={audio}", f"--output={output}", f"--unit_bytes={UNIT_BYTES}", *model),
            *("--direct_running_mode=multi_processing", f"--direct_num_workers={processes}"),
        ]
        subprocess.run(command, check=True, capture_output=True)
        (run_file,) = Path(output).glob("run-*.json")
        return float(json.loads(run_file.read_bytes())["throughput"]["wall_seconds"])


def recordings_in(audio: Path) -> Recordings:
    """Lengths and sizes of the recordings in a folder."""
    settings = resolve({"input": str(audio), "output": "nowhere", "model": "placeholder"})
    return survey(list_inputs(settings), max_headers=10_000, request=header_request(settings)).each


def measure(rounds: int, folder: Path, model: list[str]) -> list[Figures]:
    """Rounds of telling, playing and running."""
    one, told, tried = folder / "one", folder / "told", folder / "tried"
    paper: dict[int, list[float]] = {each: [] for each in PROCESSES}
    real: dict[int, list[float]] = {each: [] for each in PROCESSES}
    units = 0
    for _ in range(rounds):
        start_seconds = run(one, 1, model)
        speed = recordings_in(told).seconds.sum() / (run(told, 1, model) - start_seconds)
        for processes in PROCESSES:
            seconds = seconds_of_work(recordings_in(tried), Cut(UNIT_BYTES), Pace(speed))
            units = len(seconds)
            fleet = Fleet(max_workers=processes, start_seconds=start_seconds)
            paper[processes].append(simulate(seconds, fleet).seconds)
            real[processes].append(run(tried, processes, model))
            told_seconds = (
                f"{paper[processes][-1]:.1f} s on paper, {real[processes][-1]:.1f} s for real"
            )
            print(f"{processes} processes: {told_seconds}", file=sys.stderr, flush=True)
    return [
        Figures(
            processes=each,
            units=units,
            paper_seconds=statistics.median(paper[each]),
            real_seconds=statistics.median(real[each]),
            ratio=statistics.median(
                [on_paper / found for on_paper, found in zip(paper[each], real[each], strict=True)]
            ),
        )
        for each in PROCESSES
    ]


def on_paper(hours: float) -> str:
    """The simulated table of so many hours."""
    random = np.random.default_rng(0)
    seconds = np.clip(random.lognormal(5.5, 1.0, 20_000), 1, 7200)
    lengths = Recordings(seconds, (seconds * 17_000).astype(np.int64))
    worker = Worker(times_real_time=TIMES_REAL_TIME, units_at_a_time=CORES, price=PRICE)
    return simulated(lengths.scaled_to(hours), worker, DEADLINE_HOURS)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--recordings", type=int, default=60, help="in each half")
    parser.add_argument("--hours", default="", help="on paper only: hours, separated by commas")
    parser.add_argument("--model", default="whisper-tiny.en")
    parser.add_argument("--json", action="store_true", help="print figures as JSON, too")
    given = parser.parse_args()
    if given.hours:
        print("\n\n".join(on_paper(float(hours)) for hours in given.hours.split(",")))
        return
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    random = np.random.default_rng(0)
    model = [f"--model={given.model}", "--padding=condensed"]
    with tempfile.TemporaryDirectory() as name:
        for half, count in (("one", 1), ("told", given.recordings), ("tried", given.recordings)):
            write_recordings(Path(name) / half, count, random)
        measured = measure(given.rounds, Path(name), model)
    rows: list[tuple[object, ...]] = [
        (
            str(each.processes),
            str(each.units),
            f"{each.paper_seconds:.1f}",
            f"{each.real_seconds:.1f}",
            f"{each.ratio:.2f}",
        )
        for each in measured
    ]
    print(markdown_table(("processes", "units", "on paper s", "for real s", "ratio"), rows))
    if given.json:
        print(json.dumps({"machine": machine, "figures": [asdict(each) for each in measured]}))


if __name__ == "__main__":
    main()
