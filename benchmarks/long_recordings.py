"""A long recording: memory against a short one, one worker against two, and killed three times.

The model is the placeholder, which here takes some seconds of computing for each second of audio.
The run that is killed goes beside the whole one, as each uses a core. The runs whose times are
compared have the machine for themselves, and a core for each worker process: a single worker
would decode on the second one.

    python benchmarks/long_recordings.py --data ../shared/data --minutes 1440 --format flac
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import soundfile
from machine import describe_machine, machine_line, peak_mebibytes
from reference import join_clips, markdown_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # the tests read rows

from support.run_outputs import all_rows  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT_MINUTES: Final = 5
KILLS: Final = 3
WORKERS: Final = ("one process, one core", "two processes, two cores")
SPEECH: Final = 0.9
"""Share of the clips that is speech, or less."""
COSTLY: Final = """
import os, sys, time
if "beam_audio.audio.isolated.program" not in sys.orig_argv and "COST" in os.environ:
    from beam_audio.asr.placeholder import PlaceholderRecognizer
    transcribe = PlaceholderRecognizer.transcribe
    def costly(recognizer, requests):
        seconds = sum(len(each.samples) for each in requests) / 16_000
        end = time.thread_time() + float(os.environ["COST"]) * seconds
        while time.thread_time() < end:
            pass
        with open(os.environ["HEARD"], "a") as log:
            log.write(f"{seconds}\\n")
        return transcribe(recognizer, requests)
    PlaceholderRecognizer.transcribe = costly
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took; ``heard_seconds`` is the audio recognised."""

    wall_seconds: float
    peak_mebibytes: float
    heard_seconds: float


class Runs:
    """Runs of the command with the costly placeholder."""

    def __init__(self, folder: Path, cost: float, part_minutes: float) -> None:
        (folder / "sitecustomize.py").write_text(COSTLY)
        self._part_minutes = part_minutes
        paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "COST": str(cost)}

    def run(
        self,
        recording: Path,
        output: Path,
        workers: int = 0,
        watch: Callable[[subprocess.Popen[bytes]], float] = peak_mebibytes,
    ) -> Measured:
        """Run to the end, or until ``watch`` has killed it; in this many processes, if any."""
        log = _log_of(output)
        log.write_text("")
        command = [sys.executable, "-m", "beam_audio", "run", "--model=placeholder"]
        command += [f"--part_minutes={self._part_minutes}"]
        command += [f"--input={recording}", f"--output={output}"]
        if workers:
            cores = sorted(os.sched_getaffinity(0))[:workers]
            command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
            command += ["--direct_running_mode=multi_processing"]
            command += [f"--direct_num_workers={workers}"]
        start = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            env=self._environment | {"HEARD": str(log)},
            start_new_session=True,
        )
        peak = watch(process)
        process.wait()
        return Measured(time.monotonic() - start, peak, heard_seconds(output))

    def killed(self, recording: Path, output: Path, seconds: float) -> float:
        """Kill runs over one output, each when it has heard so much; seconds heard by all."""

        def watch(process: subprocess.Popen[bytes]) -> float:
            while process.poll() is None and heard_seconds(output) < seconds:
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGKILL)
            return 0.0

        heard = 0.0
        for _ in range(KILLS):
            heard += self.run(recording, output, watch=watch).heard_seconds
        return heard + self.run(recording, output).heard_seconds


def heard_seconds(output: Path) -> float:
    """Seconds of audio that the present run over an output has recognised."""
    return sum(map(float, _log_of(output).read_text().split()))


def _log_of(output: Path) -> Path:
    return output.with_suffix(".heard")


def write_recording(data: Path, minutes: float, target: Path) -> Path:
    """Clips of read speech, joined, in the format of the suffix."""
    flac = target.with_suffix(".flac")
    join_clips(sorted((data / "librispeech").glob("*.flac")), 60 * minutes, flac)
    if target.suffix == ".flac":
        return target
    with (
        soundfile.SoundFile(flac) as source,
        soundfile.SoundFile(target, "w", source.samplerate, 1, format="MP3") as out,
    ):
        for block in source.blocks(1 << 20, dtype="float32"):
            out.write(block)
    flac.unlink()
    return target


class Comparison:
    """The runs over one long recording, in the order they are made; all must have the same rows."""

    def __init__(self, runs: Runs, folder: Path, given: argparse.Namespace) -> None:
        self._runs, self._folder, self._given = runs, folder, given
        self._long = write_recording(given.data, given.minutes, folder / f"long.{given.format}")
        self._rows: object = None

    def stopped(self) -> None:
        """A run of five minutes, a whole one, and one that is killed, of which the rest is done."""
        given, runs, folder = self._given, self._runs, self._folder
        short = write_recording(given.data, SHORT_MINUTES, folder / f"short.{given.format}")
        five = runs.run(short, folder / "short-out")
        with ThreadPoolExecutor() as beside:
            # Some of it is silence: all kills come before the end.
            seconds = SPEECH * 60 * given.minutes / (KILLS + 1)
            heard = beside.submit(runs.killed, self._long, folder / "killed", seconds)
            whole = runs.run(self._long, folder / "whole")
        _print({f"{SHORT_MINUTES} minutes": five, "whole, beside the killed run": whole})
        print(f"\nmemory: {whole.peak_mebibytes / five.peak_mebibytes:.2f} ×")
        parts = (heard.result() - whole.heard_seconds) / (60 * given.part_minutes)
        print(f"killed {KILLS} times: {parts:.2f} parts repeated")
        self._compare("whole", "killed")

    def shared(self) -> None:
        """One worker process against two."""
        one, two = (
            self._runs.run(self._long, self._folder / kind, workers=workers)
            for workers, kind in enumerate(WORKERS, 1)
        )
        _print(dict(zip(WORKERS, (one, two), strict=True)))
        print(f"\ntwo processes: {two.wall_seconds / one.wall_seconds:.2f} × the time of one")
        self._compare(*WORKERS)

    def _compare(self, *names: str) -> None:
        found = [all_rows(self._folder / name) for name in names]
        self._rows = self._rows or found[0]
        print(f"rows are the same: {all(each == self._rows for each in found)}\n", flush=True)


def _print(found: dict[str, Measured]) -> None:
    header = ("run", "wall s", "peak MiB", "audio heard s")
    rows: list[tuple[object, ...]] = [
        (
            name,
            f"{each.wall_seconds:.1f}",
            f"{each.peak_mebibytes:.0f}",
            f"{each.heard_seconds:.0f}",
        )
        for name, each in found.items()
    ]
    print(markdown_table(header, rows))


def main() -> None:
    """Measure and print; what was measured is printed before the next begins."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=1440.0)
    parser.add_argument("--format", choices=("flac", "mp3"), default="flac")
    parser.add_argument("--cost", type=float, default=0.02, help="seconds for a second of audio")
    parser.add_argument("--part_minutes", type=float, default=15.0)
    parser.add_argument(
        "--runs", nargs="+", choices=("stopped", "shared"), default=["stopped", "shared"]
    )
    given = parser.parse_args()
    print(machine_line(describe_machine()))
    print(f"\n{given.minutes:g} minutes of {given.format}, parts of {given.part_minutes:g}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        comparison = Comparison(Runs(folder, given.cost, given.part_minutes), folder, given)
        for each in given.runs:
            getattr(comparison, each)()


if __name__ == "__main__":
    main()
