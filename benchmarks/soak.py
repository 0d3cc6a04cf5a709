"""Memory, files, threads and lag of a stream that runs for long, in one table.

Starts Pub/Sub's emulator and a stream with the placeholder model, publishes clips of a second at
random moments, one in ten twice and one in a hundred broken, and looks at the stream's processes
every five seconds. At the end the stream is stopped, and every message must have had its expected
result.

Slopes are least squares over the means of ten blocks of time, the first tenth left out. Samples
depend on those just before, means of minutes hardly do, so that the interval is Student's for ten
points; for noise that lasts a minute it holds the truth in 90 % of 45-minute runs, not in 95.

    python benchmarks/soak.py --minutes 45 --json
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
import pyarrow.dataset
from machine import describe_machine, machine_line
from reference import markdown_table
from streams import STOP_SECONDS, Publisher, attributes, clip, emulator, streaming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from streams import Stream

WAIT_SECONDS = 5.0
SAMPLE_SECONDS = 5.0
TWICE_EVERY = 10
BROKEN_EVERY = 100
WARM_UP_SHARE = 0.1
BLOCKS = 10
STUDENT_95 = 2.306  # of ten points less two
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sample:
    """What the stream's processes hold at a moment, and messages that are not accounted for yet."""

    at_seconds: float
    memory_mebibytes: float
    open_files: int
    threads: int
    waiting_messages: int


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in an hour, and half the width of its 95 % confidence interval."""

    an_hour: float
    margin: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What was sent, and the results."""

    messages: int
    recordings_wanted: int
    recordings: int
    failures_wanted: int
    failures: int
    segments: int
    intervals: int
    exit_status: int

    @property
    def are_right(self) -> bool:
        """Whether every message became what it should."""
        wanted = (self.recordings_wanted, self.failures_wanted, 0)
        return wanted == (self.recordings, self.failures, self.exit_status)


def main() -> None:
    """Run and print; an error when a message is not accounted for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--rate", type=float, default=2.0, help="messages a second")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    given = parser.parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    with (
        emulator(),
        tempfile.TemporaryDirectory() as folder,
        streaming(Path(folder), "placeholder", WAIT_SECONDS) as stream,
    ):
        samples, counts = soak(stream, 60 * given.minutes, given.rate)
        lags = [each["lag_seconds"] for each in stream.accounts()]
    print(f"{given.minutes:g} minutes, {given.rate:g} messages a second\n")
    print(table(samples, lags, counts))
    if given.json:
        figures = {"counts": asdict(counts), "lag_seconds": lags}
        print(json.dumps({"machine": machine, **figures, "samples": list(map(asdict, samples))}))
    if not counts.are_right:
        raise SystemExit("not every message became what it should")


def soak(stream: Stream, seconds: float, rate: float) -> tuple[list[Sample], Counts]:
    """Publish and look for some time, then let the stream end."""
    publisher = Publisher(stream.topic, rate, message)
    start = time.monotonic()
    publisher.start()
    samples = []
    while (passed := time.monotonic() - start) < seconds and stream.process.poll() is None:
        sent = len(publisher.sent) + 1
        accounted = sum(each["messages"] for each in stream.accounts())
        samples.append(Sample(passed, *usage(stream.process.pid), sent - accounted))
        time.sleep(SAMPLE_SECONDS)
    publisher.end()
    stream.await_messages(1 + len(publisher.sent), STOP_SECONDS)
    status = stream.stop()
    uris = {each.uri for each in publisher.sent if each.uri}
    counts = Counts(
        messages=1 + len(publisher.sent),
        recordings_wanted=1 + len(uris),
        recordings=distinct(stream.output, "recordings", "uri"),
        failures_wanted=sum(not each.uri for each in publisher.sent),
        failures=distinct(stream.output, "failures", "uri"),
        segments=distinct(stream.output, "segments", "segment_id"),
        intervals=len(stream.accounts()),
        exit_status=status,
    )
    return samples, counts


def message(number: int) -> tuple[bytes, dict[str, str]]:
    """A clip, the previous clip again, or bytes that are no audio."""
    if number % BROKEN_EVERY == 0:
        return b"no JSON", {"number": str(number)}
    sent = number - 1 if number % TWICE_EVERY == 0 else number
    return clip(sent), attributes(f"clip-{sent}")


def distinct(output: Path, table_name: str, column: str) -> int:
    """Rows of a table, each with a value of its own in a column.

    Raises:
        SystemExit: A value comes twice.
    """
    folder = output / table_name
    if not folder.is_dir():
        return 0
    values = pyarrow.dataset.dataset(folder).to_table(columns=[column])[column].to_pylist()
    if len(set(values)) < len(values):
        raise SystemExit(f"{len(values) - len(set(values))} rows of {table_name} are there twice")
    return len(values)


def usage(pid: int) -> tuple[float, int, int]:
    """Resident memory, open files and threads of a process and all below it."""
    pages, files, threads = 0, 0, 0
    for each in [pid, *descendants(pid)]:
        process = Path("/proc", str(each))
        try:
            found = int((process / "statm").read_text("ascii").split()[1])
            opened = len(list((process / "fd").iterdir()))
            count = len(list((process / "task").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        pages, files, threads = pages + found, files + opened, threads + count
    return pages * PAGE_BYTES / (1 << 20), files, threads


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and those that they started."""
    found = []
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text("ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def slope(at_seconds: ArrayLike, values: ArrayLike) -> Slope | None:
    """Growth over the means of blocks; None of too few samples."""
    times, figures = np.asarray(at_seconds, float) / 3600, np.asarray(values, float)
    kept = slice(round(WARM_UP_SHARE * len(times)), None)
    if len(times[kept]) < 3 * BLOCKS:
        return None
    x = np.array([block.mean() for block in np.array_split(times[kept], BLOCKS)])
    y = np.array([block.mean() for block in np.array_split(figures[kept], BLOCKS)])
    spread = np.square(x - x.mean()).sum()
    growth = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    left = y - y.mean() - growth * (x - x.mean())
    error = float(np.sqrt(np.square(left).sum() / (BLOCKS - 2) / spread))
    return Slope(growth, STUDENT_95 * error)


def table(samples: Sequence[Sample], lags: Sequence[float], counts: Counts) -> str:
    """What was sent and what came of it, and what the processes held."""
    sent = (
        f"{counts.messages:,} messages in {counts.intervals:,} intervals · "
        f"{counts.recordings:,} of {counts.recordings_wanted:,} recordings · "
        f"{counts.failures:,} of {counts.failures_wanted:,} failures · "
        f"{counts.segments:,} segments · exit status {counts.exit_status}"
    )
    header = ("", "first", "last", "max", "growth in an hour, 95 % interval")
    times = [each.at_seconds for each in samples]
    rows: list[tuple[object, ...]] = []
    for name, field in (
        ("memory, MiB", "memory_mebibytes"),
        ("open files", "open_files"),
        ("threads", "threads"),
        ("messages waiting", "waiting_messages"),
    ):
        values = [getattr(each, field) for each in samples]
        found = slope(times, values)
        growth = f"{found.an_hour:+.1f} ± {found.margin:.1f}" if found else "too few samples"
        shown = (f"{value:.0f}" for value in (values[0], values[-1], max(values)))
        rows.append((name, *shown, growth))
    lag = " · ".join(
        f"{name} {np.quantile(lags, share):.1f} s"
        for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
    )
    return f"{sent}\n\n{markdown_table(header, rows)}\n\nlag of an interval's oldest message: {lag}"


if __name__ == "__main__":
    main()
