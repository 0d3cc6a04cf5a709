"""Time, memory and size of a search in a synthetic output.

python benchmarks/search.py --segments 1000000

Texts have 1 to 25 words out of 50,000, which are as frequent as words are in a language.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from machine import describe_machine, machine_line
from reference import markdown_table
from synthetic_output import write_output

from beam_audio.output.index_place import locked_index
from beam_audio.search.find import Asked, find
from beam_audio.search.index import opened_index
from beam_audio.search.refresh import Refreshing, refresh

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

GOAL_SECONDS = 0.2
ROUNDS = 5
WORDS = 50_000
MOST_WORDS = 25
ASKED = Asked(limit=20)


def main() -> int:
    """Make the output and its index, ask it, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    segments = parser.parse_args().segments
    with tempfile.TemporaryDirectory() as folder:
        write_output(Path(folder), segments)
        say_other_words(Path(folder))
        with locked_index(folder, lambda: None) as file, opened_index(file) as index:
            took = timed(lambda: refresh(index, folder, Refreshing()))
            again = timed(lambda: refresh(index, folder, Refreshing()))
            size_megabytes = file.stat().st_size / 1e6
            rows, slowest = ask(index, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(machine_line(describe_machine()))
    heads = ("segments", "index s (CPU s)", "nothing new ms", "index MB", "peak MiB")
    figures = (f"{segments:,}", shown(took, 1), f"{again[0] * 1000:.0f}", f"{size_megabytes:.0f}")
    print(markdown_table(heads, [(*figures, f"{peak:.0f}")]))
    print(markdown_table(("query", "segments found", "ms (CPU ms)"), rows))
    return int(slowest >= GOAL_SECONDS)


def ask(index: sqlite3.Connection, root: str) -> tuple[list[tuple[object, ...]], float]:
    """What each kind of query takes, and the CPU seconds of the slowest phrase."""
    rows: list[tuple[object, ...]] = []
    slowest = 0.0
    for words in (
        *('"w3 w9"', '"w0 w1"', '"w40 w700"', '"w0 w1 w2"', "w900", "w40 w90", "w0"),
        *("w123*", "w1234x~"),
    ):
        times = [timed(partial(find, index, words, ASKED, root)) for _ in range(ROUNDS)]
        took = (median(wall for wall, _ in times), median(cpu for _, cpu in times))
        rows.append((f"`{words}`", f"{find(index, words, ASKED, root).total:,}", shown(took, 1000)))
        if words.startswith('"'):
            slowest = max(slowest, took[1])
    return rows, slowest


def say_other_words(root: Path) -> None:
    """Replace the texts of an output, in which hardly a dozen words are said."""
    generator = np.random.default_rng(8)
    shares = 1.0 / np.arange(2.7, WORDS + 2.7)
    shares /= shares.sum()
    for path in sorted((root / "segments").rglob("*.parquet")):
        table = pq.read_table(path, partitioning=None)
        counts = generator.integers(1, MOST_WORDS + 1, len(table))
        said = iter(generator.choice(WORDS, counts.sum(), p=shares))
        texts = [" ".join(f"w{next(said)}" for _ in range(each)) for each in counts]
        at = table.schema.get_field_index("text")
        changed = table.set_column(at, table.schema.field(at), [texts])
        pq.write_table(changed, path, compression="zstd", row_group_size=4_096)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds and CPU seconds of some work."""
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - wall, time.process_time() - cpu


def shown(took: tuple[float, float], times: float) -> str:
    """Seconds and CPU seconds, in brackets."""
    return f"{took[0] * times:,.0f} ({took[1] * times:,.0f})"


if __name__ == "__main__":
    sys.exit(main())
