"""CPU seconds that the command takes to answer: --version, --help, a typo, and a run of one clip.

Usage: python benchmarks/startup.py [--model=placeholder] [--rounds=5]

Each command runs in a process of its own, once uncounted and then --rounds times. Printed are the
median of user and system seconds, with the least and the most, and of wall seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine, machine_line
from reference import markdown_table

import beam_audio

CLIP = Path(beam_audio.__file__).parent / "data" / "demo" / "river.wav"


@dataclass(frozen=True, slots=True)
class Took:
    """What one process took."""

    cpu_seconds: float
    wall_seconds: float


def measure(words: list[str], status: int) -> Took:
    """Run the command and wait for it.

    Raises:
        SystemExit: It ended with another status.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "beam_audio", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, ended, usage = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status:
        raise SystemExit(f"beam-audio {' '.join(words)} ended with {process.returncode}")
    return Took(usage.ru_utime + usage.ru_stime, wall_seconds)


def row(name: str, took: list[Took]) -> tuple[object, ...]:
    """A line of the table."""
    cpu = [each.cpu_seconds for each in took]
    return (
        f"`{name}`",
        f"{statistics.median(cpu):.2f} ({min(cpu):.2f} to {max(cpu):.2f})",
        f"{statistics.median(each.wall_seconds for each in took):.2f}",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--model", default="placeholder")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = ["run", f"--input={CLIP}", f"--model={given.model}"]
        for name, words, status in (
            ("--version", ["--version"], 0),
            ("--help", ["--help"], 0),
            ("run --help", ["run", "--help"], 0),
            ("run --ouptut=x", ["run", "--ouptut=x"], 2),
            (f"run --model={given.model}, one clip", run, 0),
        ):
            took = [
                measure([*words, f"--output={folder}/{number}"] if words is run else words, status)
                for number in range(given.rounds + 1)
            ]
            rows.append(row(name, took[1:]))
    print(machine_line(describe_machine()), end="\n\n")
    print(markdown_table(("beam-audio", "CPU s, median (range)", "wall s"), rows))


if __name__ == "__main__":
    main()
