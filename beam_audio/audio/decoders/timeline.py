"""Where decoded audio belongs in time: timestamps against samples, and the holes between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Hole = Literal["damaged_packets", "time_gaps"]
"""Why silence is put into a recording; the name of the recording's reason."""

JITTER_SECONDS: Final = 0.1
"""Timestamps of whole files and their samples disagree by up to this much."""

_DAMAGE_JITTER_SECONDS: Final = 0.004
"""After a damaged packet a smaller gap is real; Matroska rounds timestamps to 1 ms."""

_RESTART_SECONDS: Final = 1.0
"""Timestamps that go back by more than this start again, as where files are joined."""

_END_TOLERANCE_SECONDS: Final = 1.0

LEAST_BYTES_PER_SECOND: Final = 4
"""Digital silence in FLAC and Opus takes more."""


@dataclass(slots=True)
class Timeline:
    """The time of the next sample, in seconds.

    Attributes:
        origin: Timestamp of the first sample of the recording; None takes that of the first frame.
        end: Timestamp the container ends at; None if it does not say. A gap beyond it is not
            believed: the timestamp is damaged.
        timed: Whether the container has timestamps. Without them, only damage leaves a hole.
        gap: What a gap between timestamps is called.
        jitter: A gap of fewer seconds is none.
        longest: Seconds that the bytes of the file can hold. A gap beyond it is not believed, or
            one wrong number would make a day of silence.
        clock: Seconds of audio so far, with silence.
    """

    origin: float | None
    end: float | None
    timed: bool
    gap: Hole = "time_gaps"
    jitter: float = JITTER_SECONDS
    longest: float = math.inf
    clock: float = 0.0
    _damaged: bool = False
    _lost: float = 0.0

    def lose(self, seconds: float) -> None:
        """Note a packet that cannot be decoded."""
        self._damaged = True
        self._lost += seconds

    @property
    def open_damage(self) -> bool:
        """Whether nothing could be decoded after the last damaged packet."""
        return self._damaged

    def place(self, timestamp: float | None, seconds: float) -> tuple[float, Hole]:
        """Place the next frame.

        Args:
            timestamp: Its time in the container, in seconds; None if it has none.
            seconds: Its length.

        Returns:
            Seconds of silence that belong before it, and why.
        """
        hole: Hole = "damaged_packets" if self._damaged else self.gap
        silence = self._silence(timestamp)
        self._damaged, self._lost = False, 0.0
        self.clock += silence + seconds
        return silence, hole

    def _silence(self, timestamp: float | None) -> float:
        if not self.timed or timestamp is None:
            return self._lost
        if self.origin is None:
            self.origin = timestamp - self._lost
        gap = timestamp - self.origin - self.clock
        end = math.inf if self.end is None else self.end + _END_TOLERANCE_SECONDS
        is_beyond = timestamp > end or self.clock + gap > self.longest
        if gap < -_RESTART_SECONDS or (gap > self.jitter and is_beyond):
            self.origin = timestamp - self.clock - self._lost
            return self._lost
        least = _DAMAGE_JITTER_SECONDS if self._damaged else self.jitter
        return gap if gap > least else 0.0
