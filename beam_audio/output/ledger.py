"""The account of a run, read back from the rows that were written."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.output.commits import counted_sources, is_shared, read_commits, units_by_file
from beam_audio.schema import LEDGER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.types import Row

_RECORDING_COLUMNS = [
    "recording_id",
    "source_id",
    "uri",
    "channel",
    "sample_rate_hz",
    "decoded_seconds",
    "segments",
    *LEDGER_COLUMNS.values(),
    "wer_hits",
    "wer_substitutions",
    "wer_deletions",
    "wer_insertions",
    "wer",
]
_SEGMENT_COLUMNS = [
    "source_id",
    "recording_id",
    "core_start_seconds",
    "core_end_seconds",
    "decision",
]
_FAILURE_COLUMNS = [
    "unit",
    "stage",
    "error_type",
    "source_id",
    "uri",
    "recording_id",
    "start_seconds",
    "end_seconds",
]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every input and of every decoded sample.

    Attributes:
        inputs: Distinct units of input this run listed.
        missing: Listed inputs with a row neither in ``recordings/`` nor in ``failures/``, and whose
            bytes have none either.
        recordings: Rows in ``recordings/``.
        unbalanced: Recordings whose decoded samples differ from the sum of their destinations, or
            whose destinations differ from what the segment and failure rows add up to, or are less
            than nothing, as when segments own the same samples.
        seconds: Source seconds by destination; each second once, also when channels are split.
        segments: Segments by decision.
        failures: Failures by (unit, stage, error type), once however often they were tried again,
            those superseded by a later success left out.
        wer_errors: Word errors over all recordings that have a reference.
        wer_words: Reference words of those recordings.
        undecoded: Listed inputs that have no row in ``recordings/``.
    """

    inputs: int
    missing: tuple[str, ...]
    recordings: int
    unbalanced: tuple[str, ...]
    seconds: dict[str, float]
    segments: dict[str, int]
    failures: dict[tuple[str, str, str], int]
    wer_errors: int
    wer_words: int
    undecoded: frozenset[str]

    @property
    def balances(self) -> bool:
        """Whether nothing was lost: no input and no sample."""
        return not self.missing and not self.unbalanced

    @property
    def decoded_seconds(self) -> float:
        """Source seconds decoded."""
        return sum(self.seconds.values())

    @property
    def corpus_wer(self) -> float | None:
        """Word errors over reference words, None without references."""
        return self.wer_errors / self.wer_words if self.wer_words else None


@dataclass(slots=True)
class _Account:
    """Running sums while the rows are read."""

    rates_hz: dict[str, int] = field(default_factory=dict)
    stated: dict[str, Counter[str]] = field(default_factory=dict)
    decoded: dict[str, int] = field(default_factory=dict)
    found: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    segments: Counter[str] = field(default_factory=Counter)
    uris: set[str] = field(default_factory=set)
    first_channels: dict[str, tuple[int, str]] = field(default_factory=dict)
    wer_errors: int = 0
    wer_words: int = 0


def read_ledger(
    root: str,
    listed: Collection[str],
    *,
    committed: Sequence[Commit] | None = None,
    repeated: Collection[str] = (),
) -> Ledger:
    """Balance the committed rows of an output against the inputs listed.

    Args:
        root: The output folder.
        listed: Source ids of every input this run saw, done before or not.
        committed: The units whose rows are read; all there are by default.
        repeated: Source ids of inputs whose rows are in other units than these.
    """
    committed = list(read_commits(root)) if committed is None else committed
    files = dict(sorted(units_by_file(committed).items()))
    known = {source_id for commit in committed for source_id in commit.sources_that("known")}
    known.update(repeated)
    account = _Account()
    for row in _rows(root, files, "recordings", _RECORDING_COLUMNS):
        _enter_recording(account, row)
    for row in _rows(root, files, "segments", _SEGMENT_COLUMNS):
        rate_hz = account.rates_hz.get(row["recording_id"], 0)
        samples = _samples(row["core_start_seconds"], row["core_end_seconds"], rate_hz)
        account.found[row["recording_id"]][row["decision"]] += samples
        account.segments[row["decision"]] += 1
    failures: dict[tuple[object, ...], tuple[str, str, str]] = {}
    failed_sources: set[str] = set()
    sources = account.first_channels.keys()
    for row in _rows(root, files, "failures", _FAILURE_COLUMNS):
        failed_sources.add(row["source_id"])
        came_later = row["unit"] == "input" and row["uri"] in account.uris
        if row["recording_id"] is None and (row["source_id"] in sources or came_later):
            continue  # superseded by a success
        identity = tuple(row[column] for column in _FAILURE_COLUMNS)
        failures[identity] = (row["unit"], row["stage"], row["error_type"])
        if row["unit"] == "segment":
            rate_hz = account.rates_hz.get(row["recording_id"], 0)
            samples = _samples(row["start_seconds"], row["end_seconds"], rate_hz)
            account.found[row["recording_id"]]["failed"] += samples
    return Ledger(
        inputs=len(set(listed)),
        missing=tuple(sorted(set(listed) - sources - failed_sources - known)),
        recordings=len(account.stated),
        unbalanced=tuple(sorted(_unbalanced(account))),
        seconds=_source_seconds(account),
        segments={name: account.segments[name] for name in ("keep", "review", "drop")},
        failures=dict(sorted(Counter(failures.values()).items())),
        wer_errors=account.wer_errors,
        wer_words=account.wer_words,
        undecoded=frozenset(set(listed) - sources - known),
    )


def _rows(
    root: str, files: Mapping[str, list[Commit]], table: str, columns: list[str]
) -> Iterator[Row]:
    def read(uri: str) -> list[Row]:
        with store.open_to_read(uri) as file:
            rows: list[Row] = pq.ParquetFile(file).read(columns=columns).to_pylist()
        return rows

    names = [name for name in files if name.startswith(f"{table}/")]
    for name, rows in zip(
        names, store.read_each(read, [store.join(root, name) for name in names]), strict=True
    ):
        counted = counted_sources(files[name]) if is_shared(name) else None
        yield from (row for row in rows if counted is None or row["source_id"] in counted)


def _enter_recording(account: _Account, row: Row) -> None:
    identifier, rate_hz = row["recording_id"], row["sample_rate_hz"]
    stated = Counter({name: row[column] for name, column in LEDGER_COLUMNS.items()})
    account.rates_hz[identifier] = rate_hz
    account.stated[identifier] = stated
    account.uris.add(row["uri"])
    account.decoded[identifier] = round(row["decoded_seconds"] * rate_hz)
    channel = (row["channel"] or 0, identifier)
    first = account.first_channels.get(row["source_id"], channel)
    account.first_channels[row["source_id"]] = min(first, channel)
    if row["wer"] is not None:  # null for an empty reference too
        errors = row["wer_substitutions"] + row["wer_deletions"]
        account.wer_words += row["wer_hits"] + errors
        account.wer_errors += errors + row["wer_insertions"]


def _source_seconds(account: _Account) -> dict[str, float]:
    """Seconds by destination of each source's first channel, whatever order rows are read in."""
    first = [identifier for _, identifier in account.first_channels.values()]
    return {
        name: math.fsum(account.stated[each][name] / account.rates_hz[each] for each in first)
        for name in LEDGER_COLUMNS
    }


def _samples(start_seconds: float, end_seconds: float, rate_hz: int) -> int:
    return round(end_seconds * rate_hz) - round(start_seconds * rate_hz)


def _unbalanced(account: _Account) -> Iterator[str]:
    for identifier, stated in account.stated.items():
        found = account.found.get(identifier, Counter())
        judged = Counter({name: stated[name] for name in LEDGER_COLUMNS if name != "skipped"})
        lost = account.decoded[identifier] != stated.total() or min(stated.values()) < 0
        if lost or +judged != +found:
            yield identifier
    yield from set(account.found) - set(account.stated)
