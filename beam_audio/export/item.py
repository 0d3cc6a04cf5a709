"""What is exported: a stretch of one recording with its text, and its audio as a clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.audio.encode import ClipCodec
    from beam_audio.types import Row

ID_DIGITS: Final = 12
"""Digits of a recording's id that names of its files and speakers have."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment inside an item, in samples of its recording."""

    segment_id: str
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One example of an export: a segment, or neighbouring segments in one piece.

    Attributes:
        item_id: That of the segment, or a hash of those of several.
        recording_id: Where it is from.
        uri: The address of the recording.
        text: What is said.
        language: Its language.
        speaker: Who says it, if that is stated or was found.
        start_sample: Where it begins in the recording.
        end_sample: The sample after its last.
        sample_rate_hz: The rate of these samples.
        recording_seconds: Length of the recording.
        channel: Its channel; None for a mix.
        words: Words with their times in the recording; None if the model gives none.
        pieces: Its segments, in order.
        columns: Further columns by name, of its first segment.
        licence: The licence that the metadata states.
        muted: Start and end, in seconds of the recording, of what nobody may hear.
        turns: Who speaks from when to when, in seconds of the recording, as rows tell.
    """

    item_id: str
    recording_id: str
    uri: str
    text: str
    language: str | None
    speaker: str | None
    start_sample: int
    end_sample: int
    sample_rate_hz: int
    recording_seconds: float
    channel: int | None
    words: tuple[Row, ...] | None
    pieces: tuple[Piece, ...]
    columns: Mapping[str, object]
    licence: str | None = None
    muted: tuple[tuple[float, float], ...] = ()
    turns: tuple[Row, ...] = ()

    @property
    def start_seconds(self) -> float:
        """Start in the recording, seconds."""
        return self.start_sample / self.sample_rate_hz

    @property
    def end_seconds(self) -> float:
        """End in the recording, seconds."""
        return self.end_sample / self.sample_rate_hz

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return (self.end_sample - self.start_sample) / self.sample_rate_hz

    @property
    def words_in_clip(self) -> list[Row] | None:
        """Words with their times in the item's own audio."""
        if self.words is None:
            return None
        return [
            {
                **word,
                "start_seconds": round(word["start_seconds"] - self.start_seconds, 3),
                "end_seconds": round(word["end_seconds"] - self.start_seconds, 3),
            }
            for word in self.words
        ]

    @property
    def content_id(self) -> str:
        """Hash of all that is written of it beside its audio."""
        told = [self.text, self.language, self.speaker, self.words, self.licence, self.muted]
        told += [self.turns] if self.turns else []
        columns = {name: repr(value) for name, value in self.columns.items()}
        return stable_id("item", self.item_id, self.start_sample, self.end_sample, *told, columns)


@dataclass(frozen=True, slots=True)
class Clip:
    """The encoded audio of an item.

    Attributes:
        encoded: A whole file.
        codec: Its codec.
        samples: Its length, as its header states it.
        sample_rate_hz: Its rate; Opus has rates of its own.
    """

    encoded: bytes = field(repr=False)
    codec: ClipCodec
    samples: int
    sample_rate_hz: int

    @property
    def suffix(self) -> str:
        """The suffix of its file name."""
        return "ogg" if self.codec == "opus" else self.codec

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate_hz
