"""The ledger of a run: what became of its inputs and samples, read back from the rows written."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio import store
from beam_audio.output.commits import counted_sources, is_shared, read_commits, units_by_file
from beam_audio.output.parts import opened_part
from beam_audio.schema import ADDED_COLUMNS, LEDGER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.types import Row

_RECORDING_COLUMNS = [
    "recording_id",
    "source_id",
    "uri",
    "channel",
    "track",
    "sample_rate_hz",
    "decoded_seconds",
    "segments",
    *LEDGER_COLUMNS.values(),
    "wer_hits",
    "wer_substitutions",
    "wer_deletions",
    "wer_insertions",
    "reasons",
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
_FIGURES: Final = (
    *("inputs", "missing", "unbalanced", "recordings"),
    *("seconds", "segments", "failures"),
)
"""Fields that run files and ledger files hold."""
_OF_STATEMENTS: Final = frozenset({"ContradictionError", "LanguageUnsupported"})
"""Failures about what is stated of one input; others of the same file do not make up for it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of every input and of every decoded sample.

    Attributes:
        inputs: Number of distinct inputs listed.
        missing: Ids of listed inputs that have no row in ``recordings/`` or ``failures/``, and
            whose content has none either.
        recordings: Number of rows in ``recordings/``.
        unbalanced: Ids of recordings that do not add up: their decoded samples differ from the sum
            of their destinations, a destination differs from the sum of its segment and failure
            rows, or it is negative, as when segments own the same samples.
        seconds: Source seconds by destination; each second counts once, also with split channels.
        segments: Number of segments by decision.
        failures: Number of failures by (unit, stage, error type). A failure that was tried again
            counts once; one that a later success supersedes does not count.
        wer_errors: Word errors over all recordings that have a reference.
        wer_words: Reference words of those recordings.
        undecoded: Ids of listed inputs that have no row in ``recordings/``.
        reasons: Number of recordings by each of their reasons.
    """

    inputs: int
    missing: tuple[str, ...]
    recordings: int
    unbalanced: tuple[str, ...]
    seconds: dict[str, float]
    segments: dict[str, int]
    failures: dict[tuple[str, str, str], int]
    wer_errors: int = 0
    wer_words: int = 0
    undecoded: frozenset[str] = frozenset()
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether no input and no sample was lost."""
        return not self.missing and not self.unbalanced

    @property
    def decoded_seconds(self) -> float:
        """Source seconds decoded."""
        return sum(self.seconds.values())

    @property
    def corpus_wer(self) -> float | None:
        """Word errors over reference words, None without references."""
        return self.wer_errors / self.wer_words if self.wer_words else None

    @property
    def figures(self) -> dict[str, Any]:
        """The fields that run files and ledger files hold, ready for JSON."""
        failures = {"/".join(key): count for key, count in self.failures.items()}
        return {name: getattr(self, name) for name in _FIGURES} | {"failures": failures}

    @classmethod
    def of_figures(cls, figures: Mapping[str, Any]) -> Self:
        """A ledger read back from a file; word errors and ``undecoded`` are in no file."""
        given = {name: figures[name] for name in _FIGURES}
        failures = {tuple(key.split("/", 2)): count for key, count in given["failures"].items()}
        lists = {name: tuple(given[name]) for name in ("missing", "unbalanced")}
        return cls(**given | lists | {"failures": failures})


def read_ledger(
    root: str,
    listed: Collection[str],
    *,
    committed: Sequence[Commit] | None = None,
    repeated: Collection[str] = (),
    forgotten: Collection[str] = (),
) -> Ledger:
    """Balance the committed rows of an output against the inputs listed.

    Args:
        root: The output folder.
        listed: Source ids of every input this run saw, done before or not.
        committed: The units whose rows are read; all units by default.
        repeated: Source ids of inputs whose rows are in other units than these.
        forgotten: What stands in ``listed`` for inputs that are forgotten, and have no row.

    Raises:
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    committed = list(read_commits(root)) if committed is None else committed
    sums = _sum_up(root, dict(sorted(units_by_file(committed).items())))
    known = frozenset(repeated).union(*(commit.sources_that("known") for commit in committed))
    undecoded = set(listed).difference(sums.first_channels, known, forgotten)
    return Ledger(
        inputs=len(set(listed)),
        missing=tuple(sorted(undecoded - sums.failed_sources)),
        recordings=len(sums.stated),
        unbalanced=tuple(sorted(sums.unbalanced())),
        seconds=sums.source_seconds(),
        segments={name: sums.segments[name] for name in ("keep", "review", "drop")},
        failures=dict(sorted(Counter(sums.failures.values()).items())),
        wer_errors=sums.wer_errors,
        wer_words=sums.wer_words,
        undecoded=frozenset(undecoded),
        reasons=dict(sorted(sums.reasons.items())),
    )


@dataclass(slots=True)
class _Sums:
    """Running sums while the rows are read.

    Attributes:
        rates_hz: Sample rate by recording.
        decoded: Decoded samples by recording.
        stated: Samples by destination that a recording's row states.
        found: Samples by destination that its segment and failure rows add up to.
        segments: Segments by decision.
        uris: Addresses of recordings.
        first_channels: By input, its first track and channel and the recording made of them.
        failures: (unit, stage, error type) by all that identifies a failure.
        failed_sources: Inputs with a failure row, superseded or not.
        wer_errors: Word errors.
        wer_words: Reference words.
        reasons: Recordings by reason.
    """

    rates_hz: dict[str, int] = field(default_factory=dict)
    decoded: dict[str, int] = field(default_factory=dict)
    stated: dict[str, Counter[str]] = field(default_factory=dict)
    found: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    segments: Counter[str] = field(default_factory=Counter)
    uris: set[str] = field(default_factory=set)
    first_channels: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    failures: dict[tuple[object, ...], tuple[str, str, str]] = field(default_factory=dict)
    failed_sources: set[str] = field(default_factory=set)
    wer_errors: int = 0
    wer_words: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add_recording(self, row: Row) -> None:
        self.reasons.update(row["reasons"])
        identifier, rate_hz = row["recording_id"], row["sample_rate_hz"]
        self.rates_hz[identifier] = rate_hz
        self.decoded[identifier] = round(row["decoded_seconds"] * rate_hz)
        self.stated[identifier] = Counter(
            {name: row[column] for name, column in LEDGER_COLUMNS.items()}
        )
        self.uris.add(row["uri"])
        # Outputs of schema 2.0 have no column for tracks.
        channel = (row.get("track") or 0, row["channel"] or 0, identifier)
        first = self.first_channels.get(row["source_id"], channel)
        self.first_channels[row["source_id"]] = min(first, channel)
        if row["wer"] is not None:  # null for an empty reference too
            errors = row["wer_substitutions"] + row["wer_deletions"]
            self.wer_words += row["wer_hits"] + errors
            self.wer_errors += errors + row["wer_insertions"]

    def add_segment(self, row: Row) -> None:
        self.segments[row["decision"]] += 1
        self._find(row, row["decision"], row["core_start_seconds"], row["core_end_seconds"])

    def add_failure(self, row: Row) -> None:
        """Add a failure, unless a recording made of the same input supersedes it."""
        self.failed_sources.add(row["source_id"])
        is_of_place = row["unit"] == "input" and row["error_type"] not in _OF_STATEMENTS
        came_later = is_of_place and row["uri"] in self.uris
        if row["recording_id"] is None and (row["source_id"] in self.first_channels or came_later):
            return
        identity = tuple(row[column] for column in _FAILURE_COLUMNS)
        self.failures[identity] = (row["unit"], row["stage"], row["error_type"])
        if row["unit"] == "segment":
            self._find(row, "failed", row["start_seconds"], row["end_seconds"])

    def _find(self, row: Row, destination: str, start_seconds: float, end_seconds: float) -> None:
        rate_hz = self.rates_hz.get(row["recording_id"], 0)
        samples = round(end_seconds * rate_hz) - round(start_seconds * rate_hz)
        self.found[row["recording_id"]][destination] += samples

    def source_seconds(self) -> dict[str, float]:
        """Seconds by destination of each input's first channel, in whatever order rows came."""
        first = [identifier for *_, identifier in self.first_channels.values()]
        return {
            name: math.fsum(self.stated[each][name] / self.rates_hz[each] for each in first)
            for name in LEDGER_COLUMNS
        }

    def unbalanced(self) -> Iterator[str]:
        """Recordings that do not add up, and segments' recordings that have no row."""
        for identifier, stated in self.stated.items():
            found = self.found.get(identifier, Counter())
            judged = Counter({name: stated[name] for name in LEDGER_COLUMNS if name != "skipped"})
            lost = self.decoded[identifier] != stated.total() or min(stated.values()) < 0
            if lost or +judged != +found:
                yield identifier
        yield from set(self.found) - set(self.stated)


def _sum_up(root: str, files: Mapping[str, list[Commit]]) -> _Sums:
    """Add up all rows of these files."""
    sums = _Sums()
    # Recordings come first: segments need their rates, and they supersede earlier failures.
    for row in valid_rows(root, files, "recordings", _RECORDING_COLUMNS):
        sums.add_recording(row)
    for row in valid_rows(root, files, "segments", _SEGMENT_COLUMNS):
        sums.add_segment(row)
    for row in valid_rows(root, files, "failures", _FAILURE_COLUMNS):
        sums.add_failure(row)
    return sums


def valid_rows(
    root: str, files: Mapping[str, list[Commit]], table: str, columns: list[str]
) -> Iterator[Row]:
    """Valid rows of a table in these files, one part file in memory at a time."""

    def read(uri: str) -> list[Row]:
        with opened_part(uri) as file:
            missing = ADDED_COLUMNS.difference(file.schema_arrow.names)
            held = [each for each in columns if each not in missing]
            rows: list[Row] = file.read(columns=held).select(held).to_pylist()
        return rows

    names = [name for name in files if name.startswith(f"{table}/")]
    for name, rows in zip(
        names, store.read_each(read, [store.join(root, name) for name in names]), strict=True
    ):
        counted = counted_sources(files[name]) if is_shared(name) else None
        yield from (row for row in rows if counted is None or row["source_id"] in counted)
