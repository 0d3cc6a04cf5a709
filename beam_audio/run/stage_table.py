"""Who waited for whom in a run: the seconds of its stages, its recognisers and its batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.output.commits import Commit

STAGES: Final = ("open", "decode", "segment", "measure", "recognise", "write")


@dataclass(frozen=True, slots=True)
class StageTable:
    """Sums over the units of a run.

    Attributes:
        seconds: Seconds by stage and kind of waiting, those of all threads added up. ``open`` is
            reading and hashing the input, and ``recognise`` is from handing a batch over to its
            texts. ``wait_for_audio`` had no segment to hand over, and ``wait_for_recogniser`` had
            decoded enough. ``device_busy`` is the time in which a recogniser had a batch, and
            ``device_idle`` the time between two batches of its process.
        batches: What the recognisers were given: batches, passages, and seconds of these.
    """

    seconds: Mapping[str, float] = field(default_factory=dict)
    batches: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[Commit]) -> Self:
        """The sums over these units."""
        seconds: Counter[str] = Counter()
        batches: Counter[str] = Counter()
        for unit in units:
            seconds.update(unit.stage_seconds)
            batches.update(unit.batches)
        return cls(dict(seconds), dict(batches))

    @property
    def busy_share(self) -> float | None:
        """Share of the time between first and last batch in which a recogniser had one."""
        busy = self.seconds.get("device_busy", 0.0)
        return _share(busy, busy + self.seconds.get("device_idle", 0.0))

    @property
    def filled_share(self) -> float | None:
        """Padded seconds of the batches by those they could have held."""
        return _share(self._of_batches("padded_seconds"), self._of_batches("budget_seconds"))

    @property
    def padding_share(self) -> float | None:
        """Share of the padded seconds that is padding."""
        padded = self._of_batches("padded_seconds")
        return _share(padded - self._of_batches("passage_seconds"), padded)

    def content(self) -> dict[str, object]:
        """The table as the run file holds it."""
        return {
            "seconds": {name: round(took, 3) for name, took in self.seconds.items()},
            "batches": dict(self.batches),
            "busy_share": self.busy_share,
            "filled_share": self.filled_share,
            "padding_share": self.padding_share,
        }

    def _of_batches(self, name: str) -> float:
        return self.batches.get(name, 0.0)


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
