"""Speed, memory and packing of exports, from stored clips and from recordings.

python benchmarks/export.py --segments 1000 10000 100000 --source_hours=1

Each export is a command of its own. Clips of synthetic outputs are copied as they are stored,
except where they are packed, which decodes and encodes them. Outputs without stored audio are cut
from their recordings, which are decoded, and encoded as FLAC.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import soundfile
from machine import describe_machine, machine_line, peak_mebibytes
from reference import markdown_table
from synthetic_output import CLIP, write_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMATS = ("webdataset", "nemo", "shar", "huggingface", "kaldi", "documents")
PACK_SECONDS = (3.0, 8.0)
ALL = "--where=true"
"""Most of what the placeholder makes up is dropped."""
PACKED = f"--pack_seconds={PACK_SECONDS[0]:g},{PACK_SECONDS[1]:g}"
ONE_PROCESS = ("--direct_num_workers=2", "--direct_running_mode=multi_threading")
CONTAINERS = ("wav", "flac")
RECORDING_SECONDS = 120
HEADER = (
    *("audio from", "items", "format", "packed", "processes", "audio h", "s", "CPU s"),
    *("× real time", "per CPU s", "peak MiB", "balances", "in range"),
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


def cut_from(folder: Path, container: str, hours: float) -> Path:
    """An output without stored audio, of recordings of two minutes in pieces of five seconds."""
    speech, rate_hz = soundfile.read(CLIP, dtype="int16")
    (folder / "in").mkdir()
    for number in range(round(hours * 3600 / RECORDING_SECONDS)):
        samples = np.resize(np.roll(speech, -997 * number), RECORDING_SECONDS * rate_hz)
        soundfile.write(folder / "in" / f"{number}.{container}", samples, rate_hz)
    words = ["run", f"--input={folder}/in", f"--output={folder}/output", "--model=placeholder"]
    subprocess.run(
        [sys.executable, "-m", "beam_audio", *words, "--segmenter=fixed", "--window_seconds=5"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / "output"


def measured(
    output: Path, audio: str, ways: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[tuple[object, ...]]:
    """Export an output in several ways, each a format and flags; yields a row of the table each."""
    for name, flags in ways:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "export")
            ran = exported(output, target, f"--format={name}", *flags)
            totals = ran.about["totals"]
            audio_seconds = sum(totals["seconds"].values())
            yield (
                audio,
                f"{sum(totals['items'].values()):,.0f}",
                name,
                "packed" if PACKED in flags else "",
                "1" if set(ONE_PROCESS) <= set(flags) else "2",
                f"{audio_seconds / 3600:.2f}",
                f"{ran.seconds:.1f}",
                f"{ran.cpu_seconds:.1f}",
                f"{audio_seconds / ran.seconds:,.0f}",
                f"{audio_seconds / ran.cpu_seconds:,.0f}",
                f"{ran.peak_mebibytes:.0f}",
                "yes" if ran.status == 0 else "NO",
                in_range(target) if PACKED in flags else "",
            )


def main() -> int:
    """Make outputs, export each in several ways, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, nargs="*", default=[1_000, 100_000])
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    parser.add_argument("--source_hours", type=float, default=1.0)
    given = parser.parse_args()
    flags = ((), ONE_PROCESS)
    rows: list[tuple[object, ...]] = []
    for segments in given.segments:
        with tempfile.TemporaryDirectory() as folder:
            write_output(Path(folder), segments, has_audio=True)
            ways = [*product(given.formats, flags), ("nemo", (PACKED, *ONE_PROCESS))]
            rows += measured(Path(folder), "stored FLAC", ways)
    for container in CONTAINERS if given.source_hours else ():
        with tempfile.TemporaryDirectory() as folder:
            output = cut_from(Path(folder), container, given.source_hours)
            ways = [("webdataset", (ALL, *more)) for more in flags]
            rows += measured(output, f"{container.upper()} files", ways)
    print(machine_line(describe_machine()))
    print(markdown_table(HEADER, rows))
    return 0 if all(row[HEADER.index("balances")] == "yes" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
