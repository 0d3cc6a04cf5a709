"""What moved: decisions before and after, with their hours and the error rate of what is kept."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

_BETWEEN: Final = "\n"
"""Stands between the reasons of a segment where they are compared."""
SEGMENT_COLUMNS: Final = (
    *("core_start_seconds", "core_end_seconds", "decision", "reasons"),
    *("wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions"),
)


@dataclass(frozen=True, slots=True)
class Movement:
    """How the decisions about some segments differ from those before.

    Keys of decisions are texts such as ``keep>drop``: before, and after.

    Attributes:
        units: Number of units ``written``, ``unchanged`` and ``lost`` to another writer.
        segments: Number of segments.
        seconds: Their seconds; each second counts once.
        word_errors: Word errors of the segments that are compared with a reference.
        words: Reference words of those.
        reasons: Number of segments that a reason was added to, ``+name``, or taken from, ``-name``.
        undecided: Number of segments without an earlier decision to compare with or to put back.
    """

    units: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    word_errors: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    undecided: int = 0

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together, in any order."""
        total = cls()
        undecided = 0
        for part in parts:
            for each in fields(cls):
                if each.name != "undecided":
                    getattr(total, each.name).update(getattr(part, each.name))
            undecided += part.undecided
        return cls(**{**_values(total), "undecided": undecided})

    @property
    def moved(self) -> int:
        """Number of segments whose decision is another one."""
        return sum(n for key, n in self.segments.items() if len(set(key.split(">"))) > 1)

    def hours(self, decision: str, *, after: bool) -> float:
        """Hours of a decision, before or after."""
        return sum(n for key, n in self.seconds.items() if key.split(">")[after] == decision) / 3600

    def kept_wer(self, *, after: bool) -> float | None:
        """Word errors over reference words of what is kept; None without references."""
        errors, words = (
            sum(n for key, n in counts.items() if key.split(">")[after] == "keep")
            for counts in (self.word_errors, self.words)
        )
        return errors / words if words else None

    def to_json(self) -> bytes:
        """As JSON."""
        return json.dumps(_values(self), sort_keys=True).encode()

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """What :meth:`to_json` wrote."""
        values: dict[str, Any] = json.loads(content)
        counted: dict[str, Any] = {
            name: Counter(each) for name, each in values.items() if name != "undecided"
        }
        return cls(**counted, undecided=values["undecided"])


def movement(segments: pa.Table, decisions: pa.Array, reasons: pa.Array) -> Movement:
    """How the decisions of rows move.

    Args:
        segments: The rows with their decisions before, and :data:`SEGMENT_COLUMNS`.
        decisions: The decisions after.
        reasons: Their reasons.
    """
    errors = [
        pc.fill_null(segments[f"wer_{name}"], 0)
        for name in ("substitutions", "deletions", "insertions", "hits")
    ]
    wrong = pc.add(pc.add(errors[0], errors[1]), errors[2])
    table = pa.table(
        {
            "key": pc.binary_join_element_wise(segments["decision"], decisions, ">"),
            "segments": pa.array([1] * len(segments), pa.int64()),
            "seconds": pc.subtract(segments["core_end_seconds"], segments["core_start_seconds"]),
            "word_errors": wrong,
            "words": pc.add(pc.add(errors[3], errors[0]), errors[1]),
        }
    )
    names = table.column_names[1:]
    sums = table.group_by("key").aggregate([(name, "sum") for name in names]).to_pylist()
    counted: dict[str, Any] = {
        name: Counter({row["key"]: row[f"{name}_sum"] for row in sums}) for name in names
    }
    return Movement(**counted, reasons=_reasons(segments["reasons"], reasons))


def _reasons(before: pa.ChunkedArray, after: pa.Array) -> Counter[str]:
    moved: Counter[str] = Counter()
    joined = [pc.binary_join(each, _BETWEEN) for each in (before, after)]
    counts = (
        pa.table(joined, ["old", "new"]).group_by(["old", "new"]).aggregate([([], "count_all")])
    )
    for row in counts.filter(pc.not_equal(counts["old"], counts["new"])).to_pylist():
        old, new = (set(filter(None, row[each].split(_BETWEEN))) for each in ("old", "new"))
        moved.update({f"+{name}": row["count_all"] for name in new - old})
        moved.update({f"-{name}": row["count_all"] for name in old - new})
    return moved


def _values(movement: Movement) -> dict[str, Any]:
    return {each.name: getattr(movement, each.name) for each in fields(movement)}
