"""What the rows of an output add up to, each input and each sample; kept on disk while it grows."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from beam_audio.schema import LEDGER_COLUMNS
from beam_audio.store.scratch_database import scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.types import Row

_SCHEMA: Final = f"""
    CREATE TABLE recordings (
        name TEXT PRIMARY KEY, rate INTEGER, decoded INTEGER, {", ".join(LEDGER_COLUMNS.values())}
    ) WITHOUT ROWID;
    CREATE TABLE found (
        name TEXT, destination TEXT, samples INTEGER, PRIMARY KEY (name, destination)
    ) WITHOUT ROWID;
    CREATE TABLE first (
        source TEXT PRIMARY KEY, track INTEGER, channel INTEGER, name TEXT
    ) WITHOUT ROWID;
    CREATE TABLE addresses (digest BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE failures (
        digest BLOB PRIMARY KEY, unit TEXT, stage TEXT, error_type TEXT
    ) WITHOUT ROWID;
    CREATE TABLE failed (source TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE settled (source TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE listed (source TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ROWS: Final = 4096
_OF_STATEMENTS: Final = frozenset({"ContradictionError", "LanguageUnsupported"})
"""Failures about what is stated of one input; others of the same file do not make up for it."""
_UNDECODED: Final = """
    FROM listed WHERE source NOT IN (SELECT source FROM first)
    AND source NOT IN (SELECT source FROM settled)
"""


class Sums:
    """Running sums while rows are read: recordings first, then segments and failures.

    Attributes:
        segments: Segments by decision.
        wer_errors: Word errors.
        wer_words: Reference words.
        reasons: Recordings by reason.
    """

    def __init__(self) -> None:
        """Begin with no row."""
        self._database = scratch_database(_SCHEMA)
        self.segments: Counter[str] = Counter()
        self.wer_errors = 0
        self.wer_words = 0
        self.reasons: Counter[str] = Counter()

    def add_recordings(self, rows: Iterable[Row]) -> None:
        """Add rows of recordings."""
        insert = self._database.executemany
        marks = ", ".join("?" * (3 + len(LEDGER_COLUMNS)))
        for some in _some(rows):
            for row in some:
                self._judge(row)
            insert(
                f"INSERT OR REPLACE INTO recordings VALUES ({marks})",  # noqa: S608 - marks alone
                map(_account, some),
            )
            insert(
                "INSERT INTO first VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "track = excluded.track, channel = excluded.channel, name = excluded.name "
                "WHERE (excluded.track, excluded.channel, excluded.name) < (track, channel, name)",
                map(_first_channel, some),
            )
            insert(
                "INSERT OR IGNORE INTO addresses VALUES (?)",
                ((_digest(row["uri"]),) for row in some),
            )

    def _judge(self, row: Row) -> None:
        self.reasons.update(row["reasons"])
        if row["wer"] is not None:  # null for an empty reference too
            errors = row["wer_substitutions"] + row["wer_deletions"]
            self.wer_words += row["wer_hits"] + errors
            self.wer_errors += errors + row["wer_insertions"]

    def add_segments(self, rows: Iterable[Row]) -> None:
        """Add rows of segments."""
        for some in _some(rows):
            self.segments.update(row["decision"] for row in some)
            self._find(
                (row, row["decision"], row["core_start_seconds"], row["core_end_seconds"])
                for row in some
            )

    def add_failures(self, rows: Iterable[Row]) -> None:
        """Add failures, except those that a recording made of the same input supersedes."""
        for some in _some(rows):
            self._insert_names("failed", (row["source_id"] for row in some))
            counting = [row for row in some if not self._is_superseded(row)]
            self._database.executemany(
                "INSERT OR IGNORE INTO failures VALUES (?, ?, ?, ?)",
                (
                    (
                        _digest(repr(sorted(row.items()))),
                        row["unit"],
                        row["stage"],
                        row["error_type"],
                    )
                    for row in counting
                ),
            )
            self._find(
                (row, "failed", row["start_seconds"], row["end_seconds"])
                for row in counting
                if row["unit"] == "segment"
            )

    def _is_superseded(self, row: Row) -> bool:
        if row["recording_id"] is not None:
            return False
        if self._has("first", "source", row["source_id"]):
            return True
        is_of_place = row["unit"] == "input" and row["error_type"] not in _OF_STATEMENTS
        return is_of_place and self._has("addresses", "digest", _digest(row["uri"]))

    def add_listed(self, source_ids: Iterable[str]) -> None:
        """Add inputs that were listed."""
        self._insert_names("listed", source_ids)

    def add_settled(self, source_ids: Iterable[str]) -> None:
        """Add inputs that need no row of their own."""
        self._insert_names("settled", source_ids)

    def _insert_names(self, table: str, names: Iterable[str]) -> None:
        self._database.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES (?)",  # noqa: S608 - a table of ours
            ((name,) for name in names),
        )

    def _find(self, stretches: Iterable[tuple[Row, str, float, float]]) -> None:
        """Add samples to the destinations of their recordings."""
        samples: Counter[tuple[str, str]] = Counter()
        rates_hz: dict[str, int] = {}
        for row, destination, start_seconds, end_seconds in stretches:
            name = row["recording_id"]
            if name not in rates_hz:
                rates_hz[name] = self._rate_hz(name)
            rate_hz = rates_hz[name]
            samples[name, destination] += round(end_seconds * rate_hz) - round(
                start_seconds * rate_hz
            )
        self._database.executemany(
            "INSERT INTO found VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
            "samples = samples + excluded.samples",
            ((*key, count) for key, count in samples.items()),
        )

    def _rate_hz(self, recording_id: str) -> int:
        query = "SELECT rate FROM recordings WHERE name = ?"
        found = self._database.execute(query, [recording_id]).fetchone()
        return int(found[0]) if found else 0

    def _has(self, table: str, column: str, value: object) -> bool:
        query = f"SELECT 1 FROM {table} WHERE {column} = ?"  # noqa: S608 - names of ours
        return self._database.execute(query, [value]).fetchone() is not None

    @property
    def inputs(self) -> int:
        """Number of distinct inputs listed."""
        return self._count("listed")

    @property
    def recordings(self) -> int:
        """Number of distinct recordings."""
        return self._count("recordings")

    def _count(self, table: str) -> int:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - a table of ours
        return int(self._database.execute(query).fetchone()[0])

    def undecoded(self) -> frozenset[str]:
        """Inputs listed that have no recording and are not settled."""
        return frozenset(self._names(f"SELECT source {_UNDECODED}"))

    def missing(self) -> tuple[str, ...]:
        """Those of them that have no failure either, in the order of ids."""
        without = "AND source NOT IN (SELECT source FROM failed) ORDER BY source"
        return tuple(self._names(f"SELECT source {_UNDECODED} {without}"))

    def failures(self) -> dict[tuple[str, str, str], int]:
        """Failures by unit, stage and error type."""
        columns = "unit, stage, error_type"
        found = self._database.execute(
            f"SELECT {columns}, count(*) FROM failures GROUP BY {columns} ORDER BY {columns}"  # noqa: S608 - as above
        )
        return {(unit, stage, error_type): count for unit, stage, error_type, count in found}

    def source_seconds(self) -> dict[str, float]:
        """Seconds by destination of each input's first channel, in whatever order rows came."""
        return {
            name: math.fsum(
                samples / rate_hz
                for samples, rate_hz in self._database.execute(
                    f"SELECT {column}, rate FROM first JOIN recordings USING (name)"  # noqa: S608 - as above
                )
            )
            for name, column in LEDGER_COLUMNS.items()
        }

    def unbalanced(self) -> Iterator[str]:
        """Recordings that do not add up, and segments' recordings that have no row."""
        rows = self._database.execute(
            "SELECT * FROM recordings LEFT JOIN found USING (name) ORDER BY name"
        )
        for name, pairs in groupby(rows, key=itemgetter(0)):
            same = list(pairs)
            _, _, decoded, *stated, _, _ = same[0]
            found = {destination: samples for *_, destination, samples in same if destination}
            if not _balances(decoded, stated, found):
                yield name
        yield from self._names(
            "SELECT DISTINCT name FROM found WHERE name NOT IN (SELECT name FROM recordings)"
        )

    def _names(self, query: str) -> Iterator[str]:
        return (name for (name,) in self._database.execute(query))


def _balances(decoded: int, stated: list[int], found: dict[str, int]) -> bool:
    """Whether a recording's samples are those it states, and those its rows add up to."""
    by_name = dict(zip(LEDGER_COLUMNS, stated, strict=True))
    judged = {name: count for name, count in by_name.items() if name != "skipped" and count > 0}
    is_whole = decoded == sum(stated) and min(stated) >= 0
    return is_whole and judged == {name: count for name, count in found.items() if count > 0}


def _account(row: Row) -> tuple[Any, ...]:
    rate_hz = row["sample_rate_hz"]
    stated = (row[column] for column in LEDGER_COLUMNS.values())
    return row["recording_id"], rate_hz, round(row["decoded_seconds"] * rate_hz), *stated


def _first_channel(row: Row) -> tuple[str, int, int, str]:
    # Outputs of schema 2.0 have no column for tracks.
    return row["source_id"], row.get("track") or 0, row["channel"] or 0, row["recording_id"]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def _some(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Some thousand rows at a time."""
    left = iter(rows)
    while some := list(islice(left, _ROWS)):
        yield some
