"""A long list on Prism and on Flink: when work begins, and whether any process grows with it.

Makes recordings of a second, most of them hard links to the first thousand, runs each count on each
runner with the placeholder, and looks at the memory of all processes meanwhile. Prints for each
runner the peak of each kind of process by count, and the slope in bytes per recording with its
95 % interval. Flink's cluster is started anew for each run; make flink-up and make prism fetch what
is needed.

    python benchmarks/lists_elsewhere.py --counts 2000,5000,20000 --rounds 2
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from machine import describe_machine, machine_line, processes
from many import write_recordings
from reference import markdown_table
from runners import CLUSTER, FLINK_PORT, ROOT, RUNNERS
from scipy.stats import linregress, t

from beam_audio.store.output_names import COMMITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DISTINCT: Final = 1000
LOOK_SECONDS: Final = 0.5
FLINK: Final = "Flink, 2 TaskManagers"
KINDS: Final = {
    "command": "-m beam_audio run",
    "JobManager": "StandaloneSessionClusterEntrypoint",
    "TaskManager": "TaskManagerRunner",
    "job server": "job-server.jar",
    "worker": "templates/flink/worker.py",
    "Prism": "/prism ",
    "decoder": "beam_audio",
}
"""What tells a process by its command line, the first that fits."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds from the start of the command, and the peak of each kind of process."""

    recordings: int
    first_commit_seconds: float
    seconds: float
    peaks_mebibytes: dict[str, float]


@contextmanager
def cluster(folder: Path, runner: str) -> Iterator[list[int]]:
    """The processes that a runner needs beside the command, while the block lasts."""
    if runner != FLINK:
        yield []
        return
    options = [f"--port={FLINK_PORT}", f"--state={folder / 'flink'}"]
    subprocess.run([sys.executable, CLUSTER, "up", *options], check=True, stdout=sys.stderr)
    try:
        yield [int(file.read_text()) for file in (folder / "flink").glob("*.pid")]
    finally:
        subprocess.run([sys.executable, CLUSTER, "down", options[-1]], check=True)


def measure(folder: Path, audio: Path, count: int, runner: str) -> Run:
    """Run the command, and look at the memory of all that works for it."""
    with (
        tempfile.TemporaryDirectory(dir=folder) as scratch,
        cluster(Path(scratch), runner) as beside,
    ):
        output, log = Path(scratch, "out"), Path(scratch, "log")
        words = [f"--input={audio}", f"--output={output}", "--model=placeholder"]
        command = [sys.executable, "-m", "beam_audio", "run", *words, *RUNNERS[runner]]
        began, peaks = time.time(), defaultdict[str, float](float)
        with log.open("w") as file:
            process = subprocess.Popen(
                command, stdout=file, stderr=file, env=os.environ | {"PYTHONPATH": str(ROOT)}
            )
            while process.poll() is None:
                for kind, mebibytes in used((process.pid, *beside)):
                    peaks[kind] = max(peaks[kind], mebibytes)
                time.sleep(LOOK_SECONDS)
        if process.returncode:
            raise SystemExit(f"{runner}, {count} recordings: {log.read_text()[-4000:]}")
        records = [path.stat().st_mtime for path in Path(output, COMMITS).glob("*.json")]
        return Run(count, min(records) - began, time.time() - began, dict(peaks))


def used(first: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Kind and resident memory of processes and of those below them."""
    for folder in {each for pid in first for each in processes(pid)}:
        with suppress(OSError, IndexError):  # it has ended
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            pages = int((folder / "statm").read_text().split()[1])
            kind = next((name for name, mark in KINDS.items() if mark in words), "other")
            yield kind, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def slope(counts: Sequence[int], mebibytes: Sequence[float]) -> str:
    """Bytes per recording of a straight line through the peaks, with its 95 % interval."""
    line = linregress(counts, np.asarray(mebibytes) * (1 << 20))
    half = t.ppf(0.975, len(counts) - 2) * line.stderr
    return f"{line.slope:.0f} ({line.slope - half:.0f} to {line.slope + half:.0f})"


def table(runs: Sequence[Run]) -> str:
    """A line for each kind of process, and for the times."""
    counts = sorted({run.recordings for run in runs})
    by_count = [[run for run in runs if run.recordings == count] for count in counts]

    def of_peak(name: str) -> list[str]:
        found = [[run.peaks_mebibytes.get(name, 0.0) for run in same] for same in by_count]
        return [f"{max(each):.0f}" for each in found]

    kinds = [name for name in (*KINDS, "other") if any(name in run.peaks_mebibytes for run in runs)]
    lines: list[tuple[object, ...]] = [
        (
            f"{name}, MiB",
            *of_peak(name),
            slope(
                [run.recordings for run in runs],
                [run.peaks_mebibytes.get(name, 0.0) for run in runs],
            ),
        )
        for name in kinds
    ]
    first = [f"{max(run.first_commit_seconds for run in same):.0f}" for same in by_count]
    whole = [f"{max(run.seconds for run in same):.0f}" for same in by_count]
    lines += [("first commit, s", *first, ""), ("whole run, s", *whole, "")]
    header = ("", *(f"{count:,}" for count in counts), "bytes per recording")
    return markdown_table(header, lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--counts", default="2000,5000,20000")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--runners", default=f"Prism;{FLINK}", help="separated by semicolons")
    parser.add_argument("--folder", help="where audio and output go for the time")
    given = parser.parse_args()
    runs = defaultdict[str, list[Run]](list)
    for count in map(int, given.counts.split(",")):
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            audio = Path(name, "audio")
            audio.mkdir()
            write_recordings(audio, count, min(count, DISTINCT))
            for _ in range(given.rounds):
                for runner in given.runners.split(";"):
                    runs[runner].append(measure(Path(name), audio, count, runner))
                    print(runner, runs[runner][-1], file=sys.stderr, flush=True)
    load = os.getloadavg()[2]
    print(f"{machine_line(describe_machine())}; load {load:.1f} over 15 minutes")
    for runner, found in runs.items():
        print(f"\n{runner}, largest of {given.rounds} rounds\n\n{table(found)}")


if __name__ == "__main__":
    main()
