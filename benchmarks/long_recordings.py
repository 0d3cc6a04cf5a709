"""A long recording: memory against a short one, one worker against two, and killed three times.

The model is the placeholder, which here takes some seconds of computing for each second of audio.
The run that is killed goes beside the whole one, as each uses a core; the runs whose times are
compared have the machine for themselves.

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
WORKERS: Final = ("one process", "two processes")
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
        *flags: str,
        watch: Callable[[subprocess.Popen[bytes]], float] = peak_mebibytes,
    ) -> Measured:
        """Run to the end, or until ``watch`` has killed it."""
        log = _log_of(output)
        log.write_text("")
        command = ["beam_audio", "run", f"--input={recording}", f"--output={output}"]
        command += ["--model=placeholder", f"--part_minutes={self._part_minutes}", *flags]
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=1440.0)
    parser.add_argument("--format", choices=("flac", "mp3"), default="flac")
    parser.add_argument("--cost", type=float, default=0.02, help="seconds for a second of audio")
    parser.add_argument("--part_minutes", type=float, default=15.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = Runs(folder, given.cost, given.part_minutes)
        short = write_recording(given.data, SHORT_MINUTES, folder / f"short.{given.format}")
        long = write_recording(given.data, given.minutes, folder / f"long.{given.format}")
        processes = ["--direct_running_mode=multi_processing", "--direct_num_workers={}"]
        found = {f"{SHORT_MINUTES} minutes": runs.run(short, folder / "short-out")}
        with ThreadPoolExecutor() as beside:
            # Some of it is silence: all kills come before the end.
            seconds = SPEECH * 60 * given.minutes / (KILLS + 1)
            heard = beside.submit(runs.killed, long, folder / "killed", seconds)
            found["whole"] = runs.run(long, folder / "whole")
        for workers, kind in enumerate(WORKERS, 1):
            flags = (each.format(workers) for each in processes)
            found[kind] = runs.run(long, folder / kind, *flags)
        rows = all_rows(folder / "whole")
        same = [all_rows(folder / each) == rows for each in (*WORKERS, "killed")]
    print(machine_line(describe_machine()), f"· load {os.getloadavg()[0]:.0f}")
    print(f"\n{given.minutes:g} minutes of {given.format}, parts of {given.part_minutes:g}\n")
    header = ("run", "wall s", "peak MiB", "audio heard s")
    columns: list[tuple[object, ...]] = [
        (
            name,
            f"{each.wall_seconds:.1f}",
            f"{each.peak_mebibytes:.0f}",
            f"{each.heard_seconds:.0f}",
        )
        for name, each in found.items()
    ]
    print(markdown_table(header, columns))
    whole, one, two = (found[kind] for kind in ("whole", *WORKERS))
    print(
        f"\nmemory: {whole.peak_mebibytes / found[f'{SHORT_MINUTES} minutes'].peak_mebibytes:.2f}"
    )
    print(f"two processes: {two.wall_seconds / one.wall_seconds:.2f} × the time of one")
    parts = (heard.result() - whole.heard_seconds) / (60 * given.part_minutes)
    print(f"killed {KILLS} times: {parts:.2f} parts repeated; rows are the same: {all(same)}")


if __name__ == "__main__":
    main()
