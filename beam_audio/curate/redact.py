"""Texts without personal data, beside those that stay: what a unit's rows become."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.output.parts import rows_of
from beam_audio.quality.pii import find_pii, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.quality.pii import PiiSpan
    from beam_audio.schema import Table
    from beam_audio.types import Row

_NAME = "redact-2"
"""Raise the number when other stretches are found."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What was found in an output.

    Attributes:
        kinds: Stretches of personal data in segments, by kind.
        units: Units by what became of them, see :class:`beam_audio.curate.rewrite.Rewritten`.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together."""
        found = cls()
        for part in parts:
            found.kinds.update(part.kinds)
            found.units.update(part.units)
        return found

    def to_json(self) -> bytes:
        """As JSON."""
        return json.dumps({"kinds": self.kinds, "units": self.units}).encode()

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """What :meth:`to_json` wrote."""
        found = json.loads(content)
        return cls(Counter(found["kinds"]), Counter(found["units"]))


def redact_unit(root: str, commit: Commit, *, run_id: str) -> Redaction:
    """Redact the texts of a unit; one whose rows have these redactions is not written.

    Args:
        root: The output folder.
        commit: The unit's record.
        run_id: Who redacts it.

    Raises:
        StoreError: The rows cannot be read, or the record cannot be written.
        MachineError: The new rows cannot be written.
    """
    done = rewrite_unit(root, commit, with_redactions, name=_NAME, run_id=run_id)
    if done.outcome == "lost":
        return Redaction(units=Counter([done.outcome]))
    kinds = Counter(
        each["kind"]
        for name in done.commit.files_of("segments")
        for rows in rows_of(root, name, done.commit.sources, ["redactions"])
        for found in rows.column("redactions").to_pylist()
        for each in found or ()
    )
    return Redaction(kinds, Counter([done.outcome]))


def with_redactions(table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with their texts redacted: a :data:`beam_audio.curate.rewrite.Change`."""
    if table == "failures":
        return rows
    texts, languages = (rows.column(name).to_pylist() for name in ("text", "text_language"))
    spans = [find_pii(*each) for each in zip(texts, languages, strict=True)]
    rows = _put(rows, "text_redacted", [redact(*each) for each in zip(texts, spans, strict=True)])
    if table == "segments":
        words = rows.column("words").to_pylist()
        timed = [_timed(*each) for each in zip(texts, spans, words, strict=True)]
        rows = _put(rows, "redactions", timed)
    return rows


def _put(rows: pa.RecordBatch, name: str, values: Sequence[object]) -> pa.RecordBatch:
    index = rows.schema.get_field_index(name)
    column = rows.schema.field(index)
    return rows.set_column(index, column, pa.array(values, column.type))


def _timed(text: str, spans: Sequence[PiiSpan], words: Sequence[Row] | None) -> list[Row]:
    """Stretches with the times of the words in them; null unless all of one has times."""
    places = _places(text, words or ())
    rows = []
    for span in spans:
        inside = [word for start, end, word in places if start < span.end and end > span.start]
        if not _is_covered(text, span, places):
            inside = []  # muting by times would leave a part of it
        rows.append(
            {
                "kind": span.kind,
                "start": span.start,
                "end": span.end,
                "start_seconds": min((each["start_seconds"] for each in inside), default=None),
                "end_seconds": max((each["end_seconds"] for each in inside), default=None),
            }
        )
    return rows


def _is_covered(text: str, span: PiiSpan, places: Sequence[tuple[int, int, Row]]) -> bool:
    """Whether every letter and digit of a stretch belongs to a word with times."""
    timed = {index for start, end, _ in places for index in range(start, end)}
    return all(n in timed or not text[n].isalnum() for n in range(span.start, span.end))


def _places(text: str, words: Sequence[Row]) -> list[tuple[int, int, Row]]:
    """Where each word stands in the text."""
    places, after = [], 0
    for word in words:
        plain = word["word"].strip()
        start = text.find(plain, after)
        if start >= 0:
            after = start + len(plain)
            places.append((start, after, word))
    return places
