"""Time, memory and size of a search in a synthetic output.

python benchmarks/search.py --segments 1000000

Texts have 1 to 25 words out of 50,000, which are as frequent as words are in a language. Of 2,000
voices each speaks as often as the others; two embeddings of one have a cosine of some 0.6, as those
of 1.5 s of speech have in docs/speakers.md, and of two of some 0.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import describe_machine, machine_line
from reference import markdown_table
from synthetic_output import write_output

from beam_audio.output.index_place import locked_index
from beam_audio.search.find import Asked, find
from beam_audio.search.index import opened_index
from beam_audio.search.refresh import Refreshing, refresh
from beam_audio.search.similar import similar
from beam_audio.speakers.networks import DIMENSIONS
from beam_audio.speakers.people import directions_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from numpy.typing import NDArray

GOAL_SECONDS = 0.2
LIKE_GOAL_SECONDS = 0.5
RECALL_GOAL = 0.95
ROUNDS = 5
WORDS = 50_000
MOST_WORDS = 25
VOICES = 2_000
LARGEST = 127
NOISE = 0.8
QUERIES = 100
BEST = 10
ASKED = Asked(limit=20)


def main() -> int:
    """Make the output and its index, ask it, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    segments = parser.parse_args().segments
    with tempfile.TemporaryDirectory() as folder:
        write_output(Path(folder), segments)
        say_otherwise(Path(folder))
        with locked_index(folder, lambda: None) as file, opened_index(file) as index:
            took = timed(lambda: refresh(index, folder, Refreshing()))
            again = timed(lambda: refresh(index, folder, Refreshing()))
            size_megabytes = file.stat().st_size / 1e6
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows, slowest = ask(index, folder)
            like_rows, slowest_like = ask_like(index, folder)
            recall = recall_of(index)
    print(machine_line(describe_machine()))
    heads = ("segments", "index s (CPU s)", "nothing new ms", "index MB", "peak MiB")
    figures = (f"{segments:,}", shown(took, 1), f"{again[0] * 1000:.0f}", f"{size_megabytes:.0f}")
    print(markdown_table(heads, [(*figures, f"{peak:.0f}")]))
    print(markdown_table(("query", "segments found", "ms (CPU ms)"), rows))
    print(markdown_table(("like a segment", "segments compared", "ms (CPU ms)"), like_rows))
    print(f"recall@{BEST} of {QUERIES} segments: {recall:.3f}")
    is_slow = slowest >= GOAL_SECONDS or slowest_like >= LIKE_GOAL_SECONDS
    return int(is_slow or recall < RECALL_GOAL)


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


def ask_like(index: sqlite3.Connection, root: str) -> tuple[list[tuple[object, ...]], float]:
    """What it takes to find what sounds like a segment, and the CPU seconds among all segments."""
    rows: list[tuple[object, ...]] = []
    likes = [segment_id for _, segment_id, _ in drawn(index, ROUNDS)]
    slowest = 0.0
    for name, words, decision in (
        *(("all", "", None), ("`--decision=drop`", "", "drop")),
        *(("`w900`", "w900", None), ("`w0`", "w0", None)),
    ):
        asked = [replace(ASKED, like=each, decision=decision) for each in likes]
        find(index, words, asked[0], root)  # warm
        times = [timed(partial(find, index, words, each, root)) for each in asked]
        took = (median(wall for wall, _ in times), median(cpu for _, cpu in times))
        rows.append((name, f"{find(index, words, asked[0], root).total:,}", shown(took, 1000)))
        if name == "all":
            slowest = max(cpu for _, cpu in times)
    return rows, slowest


def recall_of(index: sqlite3.Connection) -> float:
    """Which share of the best hits of some segments are the best of all."""
    queries = drawn(index, QUERIES)
    found = [[at for at, _ in similar(index, each, BEST)[0]] for _, each, _ in queries]
    directions = directions_of(embedding for _, _, embedding in queries)
    numbers, cosines = [], []
    cursor = index.execute("SELECT number, embedding FROM voices")
    while block := cursor.fetchmany(16_384):
        numbers.append([number for number, _ in block])
        cosines.append(directions_of(embedding for _, embedding in block) @ directions.T)
    known, likeness = np.concatenate(numbers), np.concatenate(cosines)
    shares = []
    for at, (own, _, _) in enumerate(queries):
        best = known[np.argpartition(-likeness[:, at], BEST)[: BEST + 1]]
        shares.append(len(({*best.tolist()} - {own}) & {*found[at]}) / BEST)
    return float(np.mean(shares))


def drawn(index: sqlite3.Connection, count: int) -> list[tuple[int, str, bytes]]:
    """Segments over all of the index: number, id and embedding."""
    query = (
        "SELECT number, segment_id, embedding FROM segments JOIN voices USING (number) "
        "WHERE number = ?"
    )
    ((last,),) = index.execute("SELECT max(number) FROM segments").fetchall()
    places = np.linspace(1, last, count).astype(int).tolist()
    return [index.execute(query, [each]).fetchone() for each in places]


def say_otherwise(root: Path) -> None:
    """Replace the texts of an output, in which hardly a dozen words are said, and add voices."""
    generator = np.random.default_rng(8)
    shares = 1.0 / np.arange(2.7, WORDS + 2.7)
    shares /= shares.sum()
    voices = unit(generator.standard_normal((VOICES, DIMENSIONS)))
    for path in sorted((root / "segments").rglob("*.parquet")):
        table = pq.read_table(path, partitioning=None)
        counts = generator.integers(1, MOST_WORDS + 1, len(table))
        said = iter(generator.choice(WORDS, counts.sum(), p=shares))
        texts = [" ".join(f"w{next(said)}" for _ in range(each)) for each in counts]
        speaking = voices[generator.integers(0, VOICES, len(table))]
        noise = unit(generator.standard_normal(speaking.shape))
        sounds = speaking + NOISE * noise
        sounds *= LARGEST / np.abs(sounds).max(axis=1, keepdims=True)
        columns = {
            "text": texts,
            "speaker_embedding": list(np.rint(sounds).astype(np.int8)),
            "speaker_model_id": ["made"] * len(table),
        }
        for name, values in columns.items():
            at = table.schema.get_field_index(name)
            field = table.schema.field(at)
            table = table.set_column(at, field, pa.array(values, field.type))
        pq.write_table(table, path, compression="zstd", row_group_size=4_096)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors of length 1."""
    found: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


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
