"""Frozen value types that travel between the stages, and the one hash behind every id."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

Decision = Literal["keep", "review", "drop"]
FailureUnit = Literal["input", "recording", "segment", "opinion"]

_ID_HEX_DIGITS = 32


def stable_id(*parts: object) -> str:
    """Hash JSON-serialisable parts into 32 hex digits (128 bits of sha256).

    The parts are hashed as one canonical JSON array, so ``("ab", "c")`` and ``("a", "bc")`` differ
    and the id is the same on every machine and Python version.
    """
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:_ID_HEX_DIGITS]


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file that holds others, too; ``in_tar`` if they are a member of a tar file."""

    file: str
    start_byte: int
    size_bytes: int
    in_tar: bool = False


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell of a Parquet file: ``row`` counts from 0 in its row group, ``column`` is a path."""

    file: str
    row_group: int
    row: int
    column: str


@dataclass(frozen=True, slots=True)
class AudioRef:
    """Where a piece of audio is and what is stated about it: a few hundred bytes, never PCM.

    Attributes:
        uri: Absolute path or ``scheme://`` address.
        size_bytes: Size of the encoded object.
        version: Object generation, else last update in seconds since the epoch, as text.
        updated: Last update, UTC.
        event_time: Stated event time, else ``updated``, UTC; None when neither is known.
        offset_seconds: Start of the cut inside the object; None when the whole object is meant.
        duration_seconds: Length of the cut; None reaches to the end.
        channel: The stated channel, from 0; None when none is stated.
        manifest_seconds: Length that the manifest states.
        reference_text: Reference transcript; None when none is known.
        language: Stated language, ISO 639 code.
        metadata: Further manifest fields as text, sorted by key.
        inline: Encoded bytes of a small payload that is stored nowhere else.
        spooled_uri: Where the bytes are, as of a larger payload; None when they are under ``uri``.
        attempt: 1, or more when an earlier failure is tried again.
        reasons: What is remarkable about the statements, by name; rows of recordings have them.
        stated_in: The manifest line or the message that states all this; empty for a listed file.
        published: When the message with the audio in it was published; None for other audio.
        rows_of: Source id of the rows it has, if the object itself is gone; empty for others.
        inside: Where the bytes are in a file with others; None for a file of its own.
    """

    uri: str
    size_bytes: int
    version: str = ""
    updated: datetime | None = None
    event_time: datetime | None = None
    offset_seconds: float | None = None
    duration_seconds: float | None = None
    manifest_seconds: float | None = None
    reference_text: str | None = None
    language: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    inline: bytes | None = field(default=None, repr=False)
    spooled_uri: str | None = None
    attempt: int = 1
    channel: int | None = None
    reasons: tuple[str, ...] = ()
    stated_in: str = ""
    published: datetime | None = None
    rows_of: str = ""
    inside: ByteRange | TableCell | None = None

    @property
    def source_id(self) -> str:
        """Identity of this input: version of the object, cut and channel, however often listed."""
        return self.rows_of or stable_id(
            "source",
            self.uri,
            self.size_bytes,
            self.version,
            self.offset_seconds,
            self.duration_seconds,
            *self.channel_parts,
        )

    @property
    def file_id(self) -> str:
        """Identity of what is opened for this input: cuts and channels of one file share it."""
        is_part = (self.offset_seconds, self.duration_seconds, self.channel) != (None, None, None)
        if not is_part or self.rows_of:
            return self.source_id
        return stable_id("file", self.uri, self.size_bytes, self.version)

    @property
    def channel_parts(self) -> list[list[int]]:
        """What a stated channel adds to ids; ids without one are those of earlier versions."""
        return [] if self.channel is None else [[self.channel]]

    @property
    def place_id(self) -> str:
        """Identity of the place of this input, whatever its content is now.

        The content of a payload inside a message is part of its place: it exists nowhere else.
        """
        came_inside = self.inline is not None or self.spooled_uri is not None
        content = [self.version] if came_inside else []
        part = (self.offset_seconds, self.duration_seconds, *self.channel_parts)
        return stable_id("place", self.uri, *part, *content)

    @property
    def stated_id(self) -> str:
        """Hash of what is stated about this input.

        An event time that is taken from the file or from the publication is not stated.
        """
        stated = self.event_time if self.event_time not in {self.updated, self.published} else None
        return stable_id(
            "stated",
            self.reference_text,
            self.language,
            self.manifest_seconds,
            self.metadata,
            stated.isoformat() if stated else None,
            *([self.reasons] if self.reasons else []),
        )

    @property
    def claims_id(self) -> str | None:
        """Hash of what is stated except metadata; None if that is nothing."""
        found = replace(self, metadata=()).stated_id
        return found if found != AudioRef("", 0).stated_id else None

    def retried(self, attempt: int) -> Self:
        """The same input on a later attempt."""
        return replace(self, attempt=attempt)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file or object as its store lists it; fields named as Beam's ``FileMetadata`` names them.

    Attributes:
        path: Absolute path or ``scheme://`` address.
        size_in_bytes: Its size.
        last_updated_in_seconds: Last update, in seconds since the epoch; 0 when not known.
        version: The object's generation, else its last update as text; empty when not known.
    """

    path: str
    size_in_bytes: int
    last_updated_in_seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the header of an encoded recording says.

    ``header_seconds`` is often wrong; the decoded length is counted elsewhere.
    """

    codec: str
    container: str
    sample_rate_hz: int
    channels: int
    header_seconds: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """One decoded channel (or mix) in memory: ``samples`` is float32 of shape (frames,)."""

    samples: NDArray[np.float32]
    sample_rate_hz: int
    recording_id: str = ""
    channel: int | None = None

    @property
    def duration_seconds(self) -> float:
        """Decoded length in seconds."""
        return len(self.samples) / self.sample_rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A stretch of one recording, in exact samples at the source's own rate.

    A model hears ``[start_sample, end_sample)``. The cores ``[core_start_sample, core_end_sample)``
    of the segments of a recording are disjoint, and the ledger counts them. ``speech`` holds the
    stretches of the segment that the voice activity detector marked, as (start, end) source samples
    of the recording. ``samples`` is float32 of shape (end_sample - start_sample,) at the source
    rate. ``noise_power`` is the mean square of the recording's noise around the segment; None where
    it is not known.
    """

    recording_id: str
    segment_id: str
    segment_index: int
    channel: int | None
    sample_rate_hz: int
    start_sample: int
    end_sample: int
    core_start_sample: int
    core_end_sample: int
    speech: tuple[tuple[int, int], ...]
    samples: NDArray[np.float32] = field(repr=False)
    noise_power: float | None = None

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
    def speech_seconds(self) -> float:
        """Seconds inside the segment that the voice activity detector marked as speech."""
        return sum(end - start for start, end in self.speech) / self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class AudioEvent:
    """A stretch of a recording in which a classifier hears something; times in the recording."""

    label: str
    score: float
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker as heard in a segment, or in some seconds of a long one.

    Attributes:
        turns: When the voice speaks, (start, end) in seconds of the recording, in order.
        solo_seconds: For how long nobody else speaks; the embedding is of that.
        window: Where in its segment it was heard: voices of one window are of different people.
        embedding: How it sounds, a direction as signed bytes; None if it is never heard alone, and
            for what was read from a row that does not hold it.
        speaker: Whose voice it is, a label that holds within the recording; None until that is
            known.
    """

    turns: tuple[tuple[float, float], ...]
    solo_seconds: float
    window: int = 0
    embedding: bytes | None = field(default=None, repr=False)
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of a segment's sound; None where one is undefined, never a stand-in number.

    ``fingerprint`` is what the segment sounds like, see :mod:`beam_audio.quality.fingerprint`. What
    a classifier hears in it is in ``audio_events``, ``speech_score`` and ``music_score``.
    ``voices`` are the speakers heard in it, None if nobody listened for them, and
    ``speaker_model_id`` names the networks that did.
    """

    rms_dbfs: float | None
    peak_dbfs: float | None
    clipped_fraction: float
    speech_fraction: float
    snr_db: float | None
    bandwidth_hz: float | None
    loudness_lufs: float | None
    fingerprint: bytes | None = field(default=None, repr=False)
    dnsmos_sig: float | None = None
    dnsmos_bak: float | None = None
    dnsmos_ovrl: float | None = None
    audio_events: tuple[AudioEvent, ...] | None = None
    speech_score: float | None = None
    music_score: float | None = None
    voices: tuple[Voice, ...] | None = None
    speaker_model_id: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a transcript, with its punctuation.

    Times are seconds from the start of the clip that was recognised. ``probability`` is the mean
    over the tokens of the word; None where the model gives none.
    """

    word: str
    start_seconds: float
    end_seconds: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of one clip.

    ``avg_logprob`` is the natural log, averaged over the tokens and the end token. ``token_ids``
    are the text tokens without prompt or end token, for model families that have them. ``words``
    are in order and do not overlap; None where the family gives no times. ``pieces`` are the
    transcripts of the segments that a clip was joined from; the transcript of a joined clip has a
    text and no measures of its own.
    """

    text: str
    language: str | None = None
    language_probability: float | None = None
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    token_ids: tuple[int, ...] = ()
    words: tuple[Word, ...] | None = None
    pieces: tuple[Transcript, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed input, recording, segment or second opinion on one: a row of ``failures/``.

    ``place`` is where an input would be. ``stated`` is what a manifest says of one that is gone.
    """

    unit: FailureUnit
    stage: str
    source_id: str
    uri: str
    error_type: str
    message: str
    recording_id: str | None = None
    segment_id: str | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None
    event_time: datetime | None = None
    payload_uri: str | None = None
    attempt: int = 1
    place: str = ""
    stated: AudioRef | None = None

    @property
    def place_id(self) -> str:
        """Identity of the place of an input; one that could not be listed has its own."""
        return self.place or self.source_id

    def retried(self, attempt: int) -> Self:
        """The same failed input on a later attempt."""
        return replace(self, attempt=attempt)


Row = dict[str, Any]
"""One output row, keyed by the column names of :mod:`beam_audio.schema`."""
