"""Which stretches of a clip nobody may hear, as the redactions of an output say."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.types import Row

COLUMNS: Final = (*("recording_id", "start_seconds", "end_seconds", "text", "words", "redactions"),)
"""Columns of ``segments`` that it is made from."""

UNTIMED: Final = "words that are redacted have no times, so they cannot be muted"
NOT_STORED: Final = "its audio is not stored; the recording holds words that are redacted"
NOT_REDACTED: Final = "it is newer than the redactions: run curate --redact=pii again"


@dataclass(frozen=True, slots=True)
class Muting:
    """Everything that is redacted in an output.

    Attributes:
        stretches: By recording: kind, start and end in seconds.
        untimed: By recording: start and end of segments with redacted words that have no times.
        is_redacted: Whether any segment was redacted.
    """

    stretches: Mapping[str, list[Row]] = field(default_factory=dict)
    untimed: Mapping[str, list[Row]] = field(default_factory=dict)
    is_redacted: bool = False

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Muting:
        """What the rows of all segments say, with :data:`COLUMNS` where their files have them."""
        stretches: defaultdict[str, list[Row]] = defaultdict(list)
        untimed: defaultdict[str, list[Row]] = defaultdict(list)
        is_redacted = False
        for row in rows:
            found = row.get("redactions")
            is_redacted |= found is not None
            for each in found or ():
                start, end = each["start_seconds"], each["end_seconds"]
                if start is None or end is None or end <= start:
                    untimed[row["recording_id"]].append(row)
                else:
                    stretches[row["recording_id"]].append(_stretch(each, row))
        return cls(stretches, untimed, is_redacted)

    def of_segment(self, row: Row) -> list[Row]:
        """The stretches to be muted in the clip of a segment, in the order of time.

        Those of its neighbours are among them where the clips overlap.
        """
        found = [each for each in self.stretches.get(row["recording_id"], ()) if _meet(each, row)]
        return sorted(found, key=lambda each: (each["start_seconds"], each["end_seconds"]))

    def why_not(self, row: Row, *, is_stored: bool) -> str | None:
        """Why the audio of a segment cannot be given away; None if it can.

        Args:
            row: The segment.
            is_stored: Whether it has audio of its own; else the whole recording would be played.
        """
        recording_id = row["recording_id"]
        if self.is_redacted and row.get("redactions") is None:
            return NOT_REDACTED
        if any(_meet(each, row) for each in self.untimed.get(recording_id, ())):
            return UNTIMED
        if not is_stored and (recording_id in self.stretches or recording_id in self.untimed):
            return NOT_STORED
        return None


def _stretch(found: Row, row: Row) -> Row:
    """What is muted of a redaction: its words, and with figures all from word to word around them.

    A number in figures is one word to a model, and its times cover a part of what is said.
    """
    start, end = found["start_seconds"], found["end_seconds"]
    if any(map(str.isdecimal, row["text"][found["start"] : found["end"]])):
        words = row["words"] or ()
        before = [each["end_seconds"] for each in words if each["end_seconds"] <= start]
        after = [each["start_seconds"] for each in words if each["start_seconds"] >= end]
        start = max(before, default=row["start_seconds"])
        end = min(after, default=row["end_seconds"])
    return {"kind": found["kind"], "start_seconds": start, "end_seconds": end}


def _meet(one: Row, other: Row) -> bool:
    """Whether two stretches of a recording have any time in common."""
    return bool(
        one["start_seconds"] < other["end_seconds"] and other["start_seconds"] < one["end_seconds"]
    )
