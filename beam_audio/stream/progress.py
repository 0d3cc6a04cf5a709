"""How far a stream is, as other threads see it: the log, metrics and probes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beam_audio.stream.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beam_audio.stream.interval import Interval


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How far a stream is; all times are seconds since the epoch.

    Attributes:
        run_id: Name of the run; empty until it reads messages.
        looked_seconds: When the stream last asked for messages.
        answered_seconds: When Pub/Sub last answered.
        published_seconds: When the messages at work were published.
        taken_seconds: When they were taken.
        settled_seconds: When the last messages were acknowledged or given back; 0 for never.
        committed_seconds: When units were last committed; 0 for never.
        totals: What was done.
    """

    run_id: str = ""
    looked_seconds: float = 0.0
    answered_seconds: float = 0.0
    published_seconds: Sequence[float] = ()
    taken_seconds: float = 0.0
    settled_seconds: float = 0.0
    committed_seconds: float = 0.0
    totals: Totals = field(default_factory=Totals)

    def is_alive(self, now_seconds: float, patience_seconds: float) -> bool:
        """Whether it starts, works, or asked for messages within a time."""
        waits = bool(self.run_id) and not self.published_seconds
        return not waits or now_seconds - self.looked_seconds <= patience_seconds

    def is_ready(self, now_seconds: float, patience_seconds: float) -> bool:
        """Whether it reads messages: it works, or Pub/Sub answered within a time."""
        is_answered = now_seconds - self.answered_seconds <= patience_seconds
        return bool(self.run_id) and (is_answered or bool(self.published_seconds))


class StreamProgress:
    """The status of a stream: its thread writes it, and other threads may read it at any time."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.status = StreamStatus()

    def begin(self, run_id: str) -> None:
        """All is checked, and messages will be read."""
        now = self._now()
        self.status = replace(self.status, run_id=run_id, looked_seconds=now, answered_seconds=now)

    def look(self, answered_seconds: float) -> None:
        """Pub/Sub was asked for messages."""
        self.status = replace(
            self.status, looked_seconds=self._now(), answered_seconds=answered_seconds
        )

    def take(self, published_seconds: Sequence[float]) -> None:
        """The work on messages begins."""
        self.status = replace(
            self.status, published_seconds=tuple(published_seconds), taken_seconds=self._now()
        )

    def settle(self, interval: Interval | None, returned: int) -> None:
        """The work on the messages is over, and some of them were given back."""
        before, now = self.status, self._now()
        totals = before.totals.plus(interval) if interval else before.totals
        is_commit = interval is not None and bool(interval.unit_ids)
        self.status = replace(
            before,
            published_seconds=(),
            settled_seconds=now,
            committed_seconds=now if is_commit else before.committed_seconds,
            totals=replace(totals, returned=totals.returned + returned),
        )
