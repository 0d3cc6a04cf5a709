"""What a stream has done since its process began: the sums over its intervals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self, TypeVar, get_args

from beam_audio.schema import LEDGER_COLUMNS
from beam_audio.stream.lags import BOUNDS
from beam_audio.types import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.stream.interval import Interval

OUTCOMES: Final = ("processed", "repeated", "ignored")
DESTINATIONS: Final = tuple(LEDGER_COLUMNS)
DECISIONS: Final = get_args(Decision)
STAGES: Final = (
    *("read", "open", "decode", "segment", "measure", "enhance", "recognise", "second", "score"),
    "write",
)
OTHER: Final = "other"
"""Stages that no list names: a metric has as many series as there are stages, and no more."""

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over intervals, all of which are read from rows and commit records.

    Attributes:
        intervals: Number of intervals.
        units: Number of units committed.
        recordings: Number of recordings.
        alerts: Number of alerts of drift.
        returned: Messages that were given back, and come again.
        messages: Number of finished messages by outcome.
        segments: Number of segments by decision.
        audio_seconds: Source seconds decoded, by what became of them.
        failures: Number of failures by the stage they happened in.
        stage_seconds: Seconds of work by stage, as in commit records.
        lag_sum_seconds: Sum of the times from publication to commit.
        lag_counts: For each bound, the messages whose lag is at most that long.
    """

    intervals: int = 0
    units: int = 0
    recordings: int = 0
    alerts: int = 0
    returned: int = 0
    messages: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    segments: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(DECISIONS, 0))
    audio_seconds: Mapping[str, float] = field(
        default_factory=lambda: dict.fromkeys(DESTINATIONS, 0.0)
    )
    failures: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys((*STAGES, OTHER), 0))
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    lag_sum_seconds: float = 0.0
    lag_counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(BOUNDS, 0))

    def plus(self, interval: Interval) -> Self:
        """The sums with one more interval."""
        ledger = interval.ledger
        failures: Counter[str] = Counter()
        for (_, stage, _), count in ledger.failures.items():
            failures[stage if stage in STAGES else OTHER] += count
        processed = interval.messages - interval.repeated - interval.ignored
        outcomes = (processed, interval.repeated, interval.ignored)
        return replace(
            self,
            intervals=self.intervals + 1,
            units=self.units + len(interval.unit_ids),
            recordings=self.recordings + ledger.recordings,
            alerts=self.alerts + len(interval.alerts),
            messages=_sum(self.messages, dict(zip(OUTCOMES, outcomes, strict=True))),
            segments=_sum(self.segments, ledger.segments),
            audio_seconds=_sum(self.audio_seconds, ledger.seconds),
            failures=_sum(self.failures, failures),
            stage_seconds=_sum(self.stage_seconds, interval.stage_seconds),
            lag_sum_seconds=self.lag_sum_seconds + interval.lag_sum_seconds,
            lag_counts=_sum(self.lag_counts, interval.lag_counts),
        )


def _sum(first: Mapping[str, _Number], second: Mapping[str, _Number]) -> dict[str, _Number]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}
