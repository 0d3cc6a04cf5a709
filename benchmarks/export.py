"""Speed, memory and packing of exports of synthetic outputs with stored audio.

python benchmarks/export.py --segments 1000 10000 100000

Each export is a command of its own. Clips are copied as they are stored, except where they are
packed, which decodes and encodes them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from machine import describe_machine, machine_line, peak_mebibytes
from reference import markdown_table
from synthetic_output import write_output

FORMATS = ("webdataset", "nemo", "shar", "huggingface", "kaldi", "documents")
PACK_SECONDS = (3.0, 8.0)
ONE_PROCESS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")
HEADER = (
    *("segments", "format", "flags", "items", "audio h", "s", "CPU s", "× real time"),
    *("per CPU s", "peak MiB", "balances", "in range"),
)


class Ran(NamedTuple):
    """How an export went: its time, its memory, and its export file."""

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    about: dict[str, dict[str, dict[str, float]]]
    status: int


def exported(output: Path, target: Path, *flags: str) -> Ran:
    """Run the command."""
    words = [sys.executable, "-m", "beam_audio", "export", str(output), f"--output={target}"]
    start, before = time.monotonic(), os.times()
    with subprocess.Popen([*words, *flags], stdout=subprocess.DEVNULL) as process:
        peak = peak_mebibytes(process)
    about = json.loads((target / "export.json").read_text("utf-8"))
    after = os.times()
    cpu_seconds = after.children_user - before.children_user
    cpu_seconds += after.children_system - before.children_system
    return Ran(time.monotonic() - start, cpu_seconds, peak, about, process.returncode)


def in_range(target: Path) -> str:
    """The share of items of a NeMo manifest whose length is the one asked for."""
    lines = (target / "data" / "manifest.jsonl").read_text("utf-8").splitlines()
    lengths = [json.loads(line)["duration"] for line in lines]
    fit = sum(PACK_SECONDS[0] <= each <= PACK_SECONDS[1] for each in lengths)
    return f"{100 * fit / len(lengths):.1f} %"


def main() -> int:
    """Make outputs, export each in several ways, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    given = parser.parse_args()
    pack = f"--pack_seconds={PACK_SECONDS[0]:g},{PACK_SECONDS[1]:g}"
    rows: list[tuple[object, ...]] = []
    statuses = []
    for segments in given.segments:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "output")
            write_output(output, segments, has_audio=True)
            ways = [(name, flag) for name in given.formats for flag in ((), ONE_PROCESS)]
            for number, (name, flags) in enumerate([*ways, ("nemo", (pack, *ONE_PROCESS))]):
                target = Path(folder, str(number))
                ran = exported(output, target, f"--format={name}", *flags)
                totals = ran.about["totals"]
                audio_seconds = sum(totals["seconds"].values())
                rows.append(
                    (
                        f"{segments:,}",
                        name,
                        " ".join(each for each in flags if each == pack)
                        + (" one process" if ONE_PROCESS[0] in flags else ""),
                        f"{sum(totals['items'].values()):,.0f}",
                        f"{audio_seconds / 3600:.2f}",
                        f"{ran.seconds:.1f}",
                        f"{ran.cpu_seconds:.1f}",
                        f"{audio_seconds / ran.seconds:,.0f}",
                        f"{audio_seconds / ran.cpu_seconds:,.0f}",
                        f"{ran.peak_mebibytes:.0f}",
                        "yes" if ran.status == 0 else "NO",
                        in_range(target) if pack in flags else "",
                    )
                )
                statuses.append(ran.status)
                shutil.rmtree(target)
    print(machine_line(describe_machine()))
    print(markdown_table(HEADER, rows))
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
