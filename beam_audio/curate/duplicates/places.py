"""What is compared: rows, each with a print of its bytes, samples, sound or words.

Bytes, samples and sound are compared by recording: a copy that was cut or encoded again has other
segments, but the same sound at the same distances. Words are compared by segment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from beam_audio.schema import Table

Level = Literal["bytes", "samples", "sound", "text"]

LEVELS: Final[tuple[Level, ...]] = ("bytes", "samples", "sound", "text")
"""From the surest likeness to the least sure."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording, in seconds from its start."""

    start_seconds: float
    end_seconds: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_seconds - self.start_seconds

    def shared_seconds(self, other: Stretch) -> float:
        """Seconds that are in both."""
        start = max(self.start_seconds, other.start_seconds)
        return max(0.0, min(self.end_seconds, other.end_seconds) - start)

    def moved(self, seconds: float) -> Stretch:
        """The same stretch, later."""
        return Stretch(self.start_seconds + seconds, self.end_seconds + seconds)


_NOTHING: Final = Stretch(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Source:
    """A recording, as far as it decides which of two recordings survives.

    Attributes:
        recording_id: Its id.
        uri: Where it is.
        decoded_seconds: Its length.
        segments: Ids and stretches of its segments, in order of time.
        sample_rate_hz: Its rate.
        is_lossless: Whether its codec keeps every sample.
        has_reference: Whether a reference text is stated for it.
    """

    recording_id: str
    uri: str
    decoded_seconds: float = 0.0
    segments: tuple[tuple[str, Stretch], ...] = field(default=(), repr=False)
    sample_rate_hz: int = 0
    is_lossless: bool = False
    has_reference: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands.

    Attributes:
        row_id: The id of a segment or a recording.
        table: Its table.
        source: Its recording.
        unit_id: Its unit; empty for what belongs to a test set.
        stretch: Its stretch of the recording.
        speaker: Who speaks, if the metadata say so.
    """

    row_id: str
    table: Table
    source: Source
    unit_id: str = ""
    stretch: Stretch = _NOTHING
    speaker: str | None = None

    @property
    def is_test(self) -> bool:
        """Whether it belongs to a test set."""
        return not self.unit_id

    @property
    def rank(self) -> tuple[object, ...]:
        """Orders rows that are alike: the first of them survives.

        The longer recording, in whole seconds; one with a reference; a lossless one; the higher
        sample rate; then the smaller id. In a recording the earlier segment.
        """
        source = self.source
        return (
            -int(source.decoded_seconds),
            not source.has_reference,
            not source.is_lossless,
            -source.sample_rate_hz,
            source.recording_id,
            self.stretch.start_seconds,
            self.row_id,
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A row with what it is compared by on one level."""

    place: Place
    print: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two prints are alike: 1 is equal; by sound the stretches of their recordings that are."""

    similarity: float
    first: Stretch | None = None
    second: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows that are alike.

    Attributes:
        level: In what.
        first: One row.
        second: The other.
        likeness: How much, and where.
    """

    level: Level
    first: Place
    second: Place
    likeness: Likeness

    def turned(self) -> Pair:
        """The same pair, the other row first."""
        likeness = self.likeness
        other = Likeness(likeness.similarity, likeness.second, likeness.first)
        return Pair(self.level, self.second, self.first, other)
