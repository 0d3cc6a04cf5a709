"""What an export holds and what it leaves out, in samples and seconds; it adds up in any order."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from beam_audio.export.plan import EXPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.export.item import ExportItem

_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over groups of units.

    Attributes:
        items: Items by folder.
        seconds: Their audio by folder, pauses inside them included.
        languages: The same by language; empty where none is known.
        licences: The same by licence.
        samples: Samples of the cores of all segments by what becomes of them and by rate, as
            ``exported@16000``.
        recorded: Samples of all recordings by what the ledger says of them and by rate.
    """

    items: Mapping[str, int] = field(default_factory=Counter)
    seconds: Mapping[str, float] = field(default_factory=Counter)
    languages: Mapping[str, float] = field(default_factory=Counter)
    licences: Mapping[str, float] = field(default_factory=Counter)
    samples: Mapping[str, int] = field(default_factory=Counter)
    recorded: Mapping[str, int] = field(default_factory=Counter)

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together."""
        sums: dict[str, Counter[str]] = {each.name: Counter() for each in fields(cls)}
        for part in parts:
            for name, counts in sums.items():
                counts.update(getattr(part, name))
        rounded: dict[str, Any] = {
            name: {key: round(value, _DECIMALS) for key, value in sorted(counts.items())}
            for name, counts in sums.items()
        }
        return cls(**rounded)

    @classmethod
    def of_items(cls, folder: str, items: Iterable[ExportItem], cores: Mapping[str, int]) -> Self:
        """What items add up to that are written to a folder."""
        found = cls()
        for item in items:
            _add(found.items, folder, 1)
            _add(found.seconds, folder, item.duration_seconds)
            _add(found.languages, item.language or "", item.duration_seconds)
            _add(found.licences, item.licence or "", item.duration_seconds)
            for piece in item.pieces:
                _add(found.samples, f"{EXPORTED}@{item.sample_rate_hz}", cores[piece.segment_id])
        return found

    @property
    def unbalanced(self) -> dict[str, int]:
        """By rate, recorded samples that are neither exported nor left out; empty if all are."""
        found: Counter[str] = Counter()
        for key, count in self.recorded.items():
            found[key.rpartition("@")[2]] += count
        for key, count in self.samples.items():
            found[key.rpartition("@")[2]] -= count
        return {rate: count for rate, count in sorted(found.items()) if count}

    @property
    def hours(self) -> dict[str, float]:
        """Hours of what is recorded by what becomes of them."""
        found: defaultdict[str, float] = defaultdict(float)
        for key, count in self.samples.items():
            fate, _, rate = key.rpartition("@")
            found[fate] += count / int(rate) / 3600
        return dict(sorted(found.items()))

    def to_json(self) -> dict[str, Any]:
        """A value for JSON; :meth:`of_json` reads it."""
        return {each.name: dict(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` made."""
        return cls(**value)


def as_text(value: object) -> bytes:
    """JSON as it is written to files of an export: the same value gives the same bytes."""
    return f"{json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)}\n".encode()


def _add(counts: Any, key: str, value: float) -> None:  # noqa: ANN401 - of counts or seconds
    counts[key] += value
