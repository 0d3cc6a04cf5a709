"""Do readers of Iceberg and Delta tables see old rows or new ones, never both and never neither?

BEAM_AUDIO_SHARED=../shared/data python benchmarks/tables.py --replacements 50 --reads 1000

Clips are transcribed by the placeholder in units of one. Then the text of every segment is replaced
again and again by the number of the replacement, and the table is brought up to date, while another
process opens the table and reads it all. A read is right if every segment is there once, and all
have the same text.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deltalake import DeltaTable
from machine import describe_machine, machine_line
from pyiceberg.catalog.sql import SqlCatalog
from reference import markdown_table

from beam_audio.command.cli import main as beam_audio
from beam_audio.export.tables.register import register
from beam_audio.output.commits import read_commits
from beam_audio.output.registration import Registration

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

    from beam_audio.output.registration import FormatName

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # the tests replace rows, too

from support.registered import replace_texts

CLIPS = Path(__file__).resolve().parents[1] / "beam_audio" / "data" / "demo"
HEADER = (
    *("format", "segments", "units", "replacements", "reads", "versions read"),
    *("both", "neither", "replace s", "register s", "read s"),
)


class Reads(NamedTuple):
    """What a reader saw: wrong reads by kind, the texts, and how long a read took."""

    both: int
    neither: int
    texts: Counter[str]
    seconds: list[float]


def read(output: Path, name: FormatName) -> list[str]:
    """The texts of all segments, by the library of the format."""
    if name == "delta":
        table = DeltaTable((output / "segments").as_uri())
        return list(table.to_pyarrow_table(columns=["text"]).column("text").to_pylist())
    folder = output / "_tables"
    catalog = SqlCatalog("beam_audio", uri=f"sqlite:///{folder}/catalog.db", warehouse=str(folder))
    scan = catalog.load_table(("beam_audio", "segments")).scan(selected_fields=("text",))
    catalog.close()
    return list(scan.to_arrow().column("text").to_pylist())


def keep_reading(
    output: Path,
    name: FormatName,
    done: Synchronized[int],
    ends: Synchronized[int],
    answer: Connection,
) -> None:
    """Read until all is replaced."""
    segments = len(read(output, name))
    both = neither = 0
    texts, seconds = Counter[str](), []
    while not ends.value:
        start = time.perf_counter()
        found = read(output, name)
        seconds.append(time.perf_counter() - start)
        both += len(set(found)) > 1 or len(found) > segments
        neither += len(found) < segments
        texts.update(set(found))
        done.value += 1
    answer.send(Reads(both, neither, texts, seconds))


def measured(output: Path, name: FormatName, replacements: int, reads: int) -> list[object]:
    """A row of the table: replacements are spread over the reads."""
    registration = Registration(name, "beam_audio")
    replace_texts(output, "0")
    register(str(output), registration)
    done, ends = multiprocessing.Value("l", 0), multiprocessing.Value("l", 0)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    reader = multiprocessing.Process(target=keep_reading, args=(output, name, done, ends, sender))
    reader.start()
    replace_seconds, register_seconds = [], []
    for number in range(1, replacements + 1):
        while done.value < (number - 1) * reads // replacements:
            time.sleep(0.001)
        start = time.perf_counter()
        replace_texts(output, str(number))
        written = time.perf_counter()
        register(str(output), registration)
        replace_seconds.append(written - start)
        register_seconds.append(time.perf_counter() - written)
    while done.value < reads:
        time.sleep(0.001)
    ends.value = 1
    found: Reads = receiver.recv()
    reader.join()
    return [
        *(name, len(read(output, name)), len(list(read_commits(str(output)))), replacements),
        *(len(found.seconds), len(found.texts), found.both, found.neither),
        *(
            f"{statistics.median(each):.2f}"
            for each in (replace_seconds, register_seconds, found.seconds)
        ),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", default=str(CLIPS), help="a folder or a pattern of clips")
    parser.add_argument("--replacements", type=int, default=50)
    parser.add_argument("--reads", type=int, default=1000)
    given = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    rows = []
    for name in ("iceberg", "delta"):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "out")
            flags = [f"--input={given.input}", "--model=placeholder", "--unit_bytes=1"]
            beam_audio(["run", *flags, f"--output={output}"])
            rows.append(tuple(measured(output, name, given.replacements, given.reads)))
    print(machine_line(describe_machine()) + f", load {os.getloadavg()[0]:.0f}")
    print(markdown_table(HEADER, rows))


if __name__ == "__main__":
    main()
