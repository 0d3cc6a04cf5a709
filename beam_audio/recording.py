"""One recording from its reference to measured segments: open, hash, decode, split, measure."""

from __future__ import annotations

import hashlib
import io
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, TypeVar, cast

import numpy as np

from beam_audio import clips, store
from beam_audio.audio import (
    AudioStream,
    Channels,
    DecodeLimits,
    Decoder,
    open_audio,
    resample,
    select_channels,
)
from beam_audio.errors import ConfigError, InputError, LimitError
from beam_audio.metrics import measure
from beam_audio.segment import SegmentSettings, Splitter
from beam_audio.types import Audio, AudioFormat, AudioRef, Failure, Quality, Segment, stable_id

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from numpy.typing import NDArray

T = TypeVar("T")

_SPOOL_MEMORY_BYTES: Final = 16 << 20
_READ_BYTES: Final = 1 << 20
_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """What decides how a recording becomes segments.

    ``clip_rate_hz`` is the rate the recogniser takes, ``store_audio`` the codec of stored clips.
    """

    decoder: Decoder = "auto"
    channels: Channels = "mix"
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    segments: SegmentSettings = field(default_factory=SegmentSettings)
    clip_rate_hz: int = 16_000
    store_audio: Literal["none", "flac", "opus"] = "none"


@dataclass(frozen=True, slots=True)
class Source:
    """One channel (or mix) of an opened input."""

    ref: AudioRef
    recording_id: str
    channel: int | None
    content_sha256: str
    format: AudioFormat


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSegment:
    """A measured segment on its way to the recogniser.

    ``segment.samples`` is emptied: ``clip`` holds what the recogniser hears, float32 at its rate,
    and ``encoded`` what is stored, if anything.
    """

    source: Source
    segment: Segment
    quality: Quality
    clip: NDArray[np.float32] = field(repr=False)
    encoded: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RecordingEnd:
    """All segments of a recording have gone before.

    ``truncation`` is the failure that ended decoding before its end, None when nothing did.
    """

    source: Source
    decoded_samples: int
    speech_samples: int
    truncation: Failure | None


@dataclass(frozen=True, slots=True)
class KnownInput:
    """An input whose very bytes have rows already, under the same name: the file was touched."""

    source_id: str
    recording_ids: tuple[str, ...]


Event = PreparedSegment | RecordingEnd | KnownInput | Failure


class StageClock:
    """Adds up the seconds spent in each stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time inside the block for a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def iterate(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Count the time it takes to make each item for a stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item


def prepare(
    ref: AudioRef, settings: PrepareSettings, clock: StageClock, known: Container[str] = ()
) -> Iterator[Event]:
    """Turn a reference into measured segments, in memory that its length does not decide.

    Args:
        ref: The input.
        settings: How it becomes segments.
        clock: Where the time spent is added up.
        known: Recording ids that have rows already.

    Yields:
        Segments as they are found, then one :class:`RecordingEnd` a channel; a :class:`Failure`
        instead when the input could not be read or decoded, which voids segments yielded before;
        or just a :class:`KnownInput`.

    Raises:
        ConfigError: The decoder asked for is not installed.
    """
    stage = "open"
    try:
        with clock.stage("open"):
            file, content_sha256 = spool(ref, settings.limits.max_source_bytes)
        stage = "decode"
        with file, open_stream(ref, file, settings) as stream:
            splitters = _Splitters(ref, content_sha256, stream.format, settings)
            if all(each in known for each in splitters.recording_ids):
                yield KnownInput(ref.source_id, splitters.recording_ids)
            else:
                yield from _prepare_stream(stream, splitters, settings, clock)
    except ConfigError:
        raise  # such as a decoder that is not installed: no recording's fault
    except Exception as error:  # noqa: BLE001 - one bad recording costs itself only, whatever it does
        yield failure_of(ref, stage, error)


def decode_channels(ref: AudioRef, settings: PrepareSettings) -> tuple[list[Audio], Failure | None]:
    """Decode a whole recording into memory, one :class:`Audio` a channel of the policy.

    Returns:
        The channels, none when nothing could be decoded; and why decoding failed or stopped early.
    """
    stage = "open"
    try:
        file, content_sha256 = spool(ref, settings.limits.max_source_bytes)
        stage = "decode"
        with file, open_stream(ref, file, settings) as stream:
            blocks = list(stream.blocks())
            rate_hz, truncation = stream.format.sample_rate_hz, stream.truncation
            samples = np.concatenate([_no_frames(stream.format.channels), *blocks])
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - one bad recording costs itself only, whatever it does
        return [], failure_of(ref, stage, error)
    audio = [
        Audio(mono, rate_hz, _recording_id(ref, content_sha256, channel), channel)
        for channel, mono in select_channels(samples, settings.channels)
    ]
    return audio, failure_of(ref, stage, truncation) if truncation is not None else None


def failure_of(ref: AudioRef, stage: str, error: Exception) -> Failure:
    """Failure of an input (stage ``open``) or of its recording (later stages)."""
    return Failure(
        unit="input" if stage == "open" else "recording",
        stage=stage,
        source_id=ref.source_id,
        uri=ref.uri,
        error_type=type(error).__name__,
        message=str(error) or repr(error),
        event_time=ref.event_time,
        attempt=ref.attempt,
    )


def spool(ref: AudioRef, max_bytes: int) -> tuple[BinaryIO, str]:
    """Copy an input's encoded bytes to where they can be sought in, hashing them once.

    Returns:
        A file at its start (in memory when small, else a temporary file) and the sha256.

    Raises:
        InputError: The input cannot be read.
        LimitError: It is larger than ``max_bytes``.
    """
    spooled = cast("BinaryIO", SpooledTemporaryFile(max_size=_SPOOL_MEMORY_BYTES))  # noqa: SIM115 - the caller closes it
    if ref.inline is not None:
        source: BinaryIO = io.BytesIO(ref.inline)
    else:
        source = store.open_to_read(ref.spooled_uri or ref.uri)
    try:
        with source:
            content_sha256 = _copy(source, spooled, max_bytes)
    except OSError as error:
        spooled.close()
        raise InputError(f"cannot read {ref.uri!r}: {error}") from error
    except BaseException:
        spooled.close()
        raise
    spooled.seek(0)
    return spooled, content_sha256


def _copy(source: BinaryIO, target: BinaryIO, max_bytes: int) -> str:
    digest = hashlib.sha256()
    copied_bytes = 0
    while chunk := source.read(_READ_BYTES):
        digest.update(chunk)
        target.write(chunk)
        copied_bytes += len(chunk)
        if copied_bytes > max_bytes:
            raise LimitError(
                f"larger than --max_source_bytes={max_bytes}; raise the limit to read it"
            )
    return digest.hexdigest()


def _prepare_stream(
    stream: AudioStream, splitters: _Splitters, settings: PrepareSettings, clock: StageClock
) -> Iterator[PreparedSegment | RecordingEnd]:
    for block in clock.iterate("decode", stream.blocks()):
        with clock.stage("segment"):
            found = splitters.push(block)
        yield from _measured(found, settings, clock)
    with clock.stage("segment"):
        found = splitters.finish()
    yield from _measured(found, settings, clock)
    for source, splitter in splitters.items():
        truncation = None
        if stream.truncation is not None:
            truncation = replace(
                failure_of(source.ref, "decode", stream.truncation),
                recording_id=source.recording_id,
            )
        yield RecordingEnd(source, splitter.decoded_samples, splitter.speech_samples, truncation)


def open_stream(ref: AudioRef, file: BinaryIO, settings: PrepareSettings) -> AudioStream:
    """Decode an input's bytes, or the part of them that it is."""
    return open_audio(
        file,
        decoder=settings.decoder,
        limits=settings.limits,
        offset_seconds=ref.offset_seconds,
        duration_seconds=ref.duration_seconds,
    )


def _recording_id(ref: AudioRef, content_sha256: str, channel: int | None) -> str:
    return stable_id(
        "recording", ref.uri, content_sha256, ref.offset_seconds, ref.duration_seconds, channel
    )


def _no_frames(channels: int) -> NDArray[np.float32]:
    return np.zeros((0, channels), dtype=np.float32)


class _Splitters:
    """The splitters of a stream, one a channel that the policy asks for."""

    def __init__(
        self, ref: AudioRef, sha256: str, audio_format: AudioFormat, settings: PrepareSettings
    ) -> None:
        self._policy = settings.channels
        self._splitters: dict[int | None, tuple[Source, Splitter]] = {}
        for channel, _ in select_channels(_no_frames(audio_format.channels), settings.channels):
            recording_id = _recording_id(ref, sha256, channel)
            splitter = Splitter(
                recording_id=recording_id,
                channel=channel,
                sample_rate_hz=audio_format.sample_rate_hz,
                settings=settings.segments,
            )
            source = Source(ref, recording_id, channel, sha256, audio_format)
            self._splitters[channel] = (source, splitter)

    @property
    def recording_ids(self) -> tuple[str, ...]:
        return tuple(source.recording_id for source, _ in self._splitters.values())

    def push(self, block: NDArray[np.float32]) -> list[tuple[Source, Segment]]:
        found = []
        for channel, samples in select_channels(block, self._policy):
            source, splitter = self._splitters[channel]
            found += [(source, segment) for segment in splitter.push(samples)]
        return found

    def finish(self) -> list[tuple[Source, Segment]]:
        return [
            (source, segment)
            for source, splitter in self._splitters.values()
            for segment in splitter.finish()
        ]

    def items(self) -> Iterable[tuple[Source, Splitter]]:
        return self._splitters.values()


def prepared_segment(
    source: Source, segment: Segment, quality: Quality, settings: PrepareSettings
) -> PreparedSegment:
    """A segment with its samples as the recogniser takes them, and as they are stored."""
    clip = resample(segment.samples, segment.sample_rate_hz, settings.clip_rate_hz)
    codec = settings.store_audio
    encoded = None if codec == "none" else clips.encode(segment, codec)
    return PreparedSegment(source, replace(segment, samples=_NO_SAMPLES), quality, clip, encoded)


def _measured(
    found: list[tuple[Source, Segment]], settings: PrepareSettings, clock: StageClock
) -> Iterator[PreparedSegment]:
    for source, segment in found:
        with clock.stage("measure"):
            prepared = prepared_segment(source, segment, measure(segment), settings)
        yield prepared
