"""Seconds from publishing a message to its committed row, in one table with a line per wait.

Starts Pub/Sub's emulator and, for each wait, a stream over a subscription of its own; publishes
clips of a second at random moments, and takes each one's time to the commit record of its unit.
"× real time" is audio over the time units were at work.

    python benchmarks/latency.py --waits 1,5,30 --minutes 2 --json
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from machine import describe_machine, machine_line
from reference import markdown_table
from streams import STOP_SECONDS, Publisher, attributes, clip, emulator, streaming

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figures:
    """One wait: seconds from publishing to commit, by message."""

    wait_seconds: float
    latency_seconds: list[float]
    segment_files: int
    times_real_time: float


def main() -> None:
    """Measure each wait and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--waits", default="1,5,30", help="values of --max_wait_seconds")
    parser.add_argument("--minutes", type=float, default=2.0, help="of publishing, each wait")
    parser.add_argument("--rate", type=float, default=1.0, help="messages a second")
    parser.add_argument("--model", default="placeholder")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    given = parser.parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    with emulator(), tempfile.TemporaryDirectory() as folder:
        measured = [
            measure(Path(folder), wait, given.model, given.minutes, given.rate)
            for wait in map(float, given.waits.split(","))
        ]
    print(f"{given.model}, {given.rate:g} clips of a second each second\n\n{table(measured)}")
    if given.json:
        print(json.dumps({"machine": machine, "figures": [asdict(each) for each in measured]}))


def measure(folder: Path, wait: float, model: str, minutes: float, rate: float) -> Figures:
    """Publish for some minutes to a stream of this wait."""
    with streaming(folder, model, wait) as stream:
        publisher = Publisher(
            stream.topic, rate, lambda number: (clip(number), attributes(f"clip-{number}"))
        )
        publisher.start()
        time.sleep(60 * minutes)
        publisher.end()
        stream.await_messages(1 + len(publisher.sent), wait + STOP_SECONDS)
        if stream.stop() != 0:
            raise SystemExit("the stream ended with an error")
        committed = commit_times(stream.output)
        accounts = stream.accounts()
    return Figures(
        wait_seconds=wait,
        latency_seconds=[committed[each.uri] - each.at for each in publisher.sent],
        segment_files=len(list((stream.output / "segments").rglob("*.parquet"))),
        times_real_time=sum(each["decoded_seconds"] for each in accounts)
        / sum(each["wall_seconds"] for each in accounts),
    )


def commit_times(output: Path) -> dict[str, float]:
    """When the unit of each recording was committed, by its uri, in seconds since the epoch."""
    times = {}
    for record in (output / "_units").glob("*.json"):
        for name in json.loads(record.read_text("utf-8"))["files"]:
            if name.startswith("recordings/"):
                uris = pq.ParquetFile(output / name).read(["uri"])["uri"].to_pylist()
                times.update(dict.fromkeys(uris, record.stat().st_mtime))
    return times


def table(measured: Sequence[Figures]) -> str:
    """One line a wait."""
    header = (
        *("wait s", "messages", "p50 s", "p95 s", "max s", "segment files"),
        *("recordings a file", "× real time"),
    )
    rows: list[tuple[object, ...]] = [
        (
            f"{each.wait_seconds:g}",
            len(each.latency_seconds),
            *(f"{np.quantile(each.latency_seconds, share):.1f}" for share in (0.5, 0.95, 1.0)),
            each.segment_files,
            f"{len(each.latency_seconds) / each.segment_files:.1f}",
            f"{each.times_real_time:.1f}",
        )
        for each in measured
    ]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
