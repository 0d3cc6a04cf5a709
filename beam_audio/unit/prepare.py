"""One recording from its reference to measured segments: open, hash, decode, split, measure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.audio.decode import names_other_tracks
from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.stream import BlockStream, IsolatedStream
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import DecodeError, InputError, LimitError
from beam_audio.types import Audio, AudioRef, Failure, Quality, Segment
from beam_audio.unit.channels import (
    Channel,
    channel_policy,
    recording_id_of,
    ref_of_tracks,
    sources_of,
)
from beam_audio.unit.clock import StageClock, failure_of
from beam_audio.unit.content import from_opened
from beam_audio.unit.events import Event, ForgottenInput, KnownInput, PreparedSegment, RecordingEnd
from beam_audio.unit.measured import (
    MeasuredChannel,
    MeasuredSegment,
    Order,
    measured,
    with_clip,
)
from beam_audio.unit.measured_in_child import WORK, measured_in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from beam_audio.unit.content import Opened
    from beam_audio.unit.prepare_settings import PrepareSettings

_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


def _from_the_start(_recording_id: str) -> float:
    return 0.0


def prepare(
    ref: AudioRef,
    settings: PrepareSettings,
    clock: StageClock,
    known: Container[str] = (),
    measured_from: Callable[[str], float] = _from_the_start,
) -> Iterator[Event]:
    """Turn a reference into measured segments, in memory that does not grow with its length.

    Args:
        ref: The input.
        settings: How it becomes segments.
        clock: Where the time spent is added up.
        known: Ids of recordings that have rows already.
        measured_from: For a recording by its id, the second before which no segment that begins is
            measured; it comes without a clip.

    Yields:
        Segments as they are found, then one :class:`RecordingEnd` per channel. If the input cannot
        be read or decoded, a :class:`Failure` comes instead of the ends, and voids the segments
        before it; one of several tracks fails alone. If all recordings are known, only a
        :class:`KnownInput`, and if it is forgotten only a :class:`ForgottenInput`.

    Raises:
        ConfigError: The decoder asked for is not installed.
    """
    return from_opened(
        ref,
        settings.limits.max_source_bytes,
        clock,
        lambda opened: prepare_opened(opened, settings, clock, known, measured_from),
        settings.opener,
    )


def prepare_opened(
    opened: Opened,
    settings: PrepareSettings,
    clock: StageClock,
    known: Container[str] = (),
    measured_from: Callable[[str], float] = _from_the_start,
) -> Iterator[Event]:
    """Do the same for an opened input, and raise what goes wrong."""
    if settings.forgotten.has_content(opened.ref, opened.content_sha256):
        yield ForgottenInput(opened.ref)
        return
    tracks = tracks_of(opened, settings)
    opened = replace(opened, ref=ref_of_tracks(opened.ref, len(tracks)))
    known_ids: list[str] = []
    for track in tracks:
        try:
            with open_stream(opened, settings, track) as stream:
                sources = sources_of(opened, stream.format, settings.channels, track)
                ids = {channel: source.recording_id for channel, source in sources.items()}
                if all(each in known for each in ids.values()):
                    known_ids += ids.values()
                else:
                    here = settings.on_this_machine
                    order = Order(
                        channel_policy(opened.ref, settings.channels),
                        ids,
                        settings.segments,
                        settings.clip_rate_hz,
                        settings.store_audio,
                        settings.dnsmos,
                        here.classifier,
                        here.speakers,
                        here.enhancer,
                        {
                            channel: round(measured_from(name) * stream.format.sample_rate_hz)
                            for channel, name in ids.items()
                        },
                    )
                    yield from _prepare_stream(stream, sources, order, settings, clock)
        except (DecodeError, InputError, LimitError) as error:
            if len(tracks) == 1:
                raise
            recording_id = recording_id_of(opened, None, track)
            yield replace(failure_of(opened.ref, "decode", error), recording_id=recording_id)
    if known_ids:
        yield KnownInput(opened.ref.source_id, tuple(known_ids))


def decode_channels(ref: AudioRef, settings: PrepareSettings) -> tuple[list[Audio], Failure | None]:
    """Decode a whole recording into memory, one :class:`Audio` per channel of the policy.

    Returns:
        The channels (none if nothing could be decoded), and why decoding failed or stopped early.
    """
    found = [
        *from_opened(
            ref,
            settings.limits.max_source_bytes,
            StageClock(),
            lambda opened: _whole_channels(opened, settings),
        )
    ]
    audio = [each for each in found if isinstance(each, Audio)]
    return audio, next((each for each in found if isinstance(each, Failure)), None)


def _whole_channels(opened: Opened, settings: PrepareSettings) -> Iterator[Audio | Failure]:
    for track in tracks_of(opened, settings, work=""):
        with open_stream(opened, settings, track, work="") as stream:
            policy = channel_policy(opened.ref, settings.channels)
            mixer = Mixer(policy, stream.format, stream.decoder)
            mixed = [each for block in stream.blocks() for each in mixer.push(block)]
            mixed += mixer.finish()
        for channel in mixer.channels:
            samples = np.concatenate([_NO_SAMPLES, *(each.signals[channel] for each in mixed)])
            recording_id = recording_id_of(opened, channel, track)
            yield Audio(samples, stream.format.sample_rate_hz, recording_id, channel)
        if stream.truncation is not None:
            yield failure_of(opened.ref, "decode", stream.truncation)


def _prepare_stream(
    stream: BlockStream,
    sources: Mapping[int | None, Channel],
    order: Order,
    settings: PrepareSettings,
    clock: StageClock,
) -> Iterator[PreparedSegment | RecordingEnd]:
    """Yield the segments of a stream, then the end of each of its recordings."""
    if isinstance(stream, IsolatedStream):
        found = measured_in_child(stream, order, clock)
    else:
        found = measured(stream, order, clock)
    channels: list[MeasuredChannel] = []
    for each in found:
        if isinstance(each, MeasuredSegment):
            yield _prepared(sources[each.segment.channel], each)
        else:
            channels.append(each)
    for channel in channels:
        yield _recording_end(sources[channel.channel], channel, stream, settings)


def _prepared(source: Channel, made: MeasuredSegment) -> PreparedSegment:
    return PreparedSegment(
        source, made.segment, made.quality, made.clip, made.encoded, made.unheard
    )


def _recording_end(
    source: Channel, channel: MeasuredChannel, stream: BlockStream, settings: PrepareSettings
) -> RecordingEnd:
    """The end of the recording that a channel is, of a stream that has ended."""
    truncation = None
    if stream.truncation is not None:
        truncation = replace(
            failure_of(source.ref, "decode", stream.truncation), recording_id=source.recording_id
        )
    noticed = {*stream.reasons, *channel.reasons}
    if settings.tracks == "all":
        noticed = {each for each in noticed if not names_other_tracks(each)}
    # Without speech nothing is kept apart by splitting the channels.
    reasons = noticed if channel.speech_samples else noticed - {"channels_differ"}
    return RecordingEnd(
        source,
        channel.decoded_samples,
        channel.speech_samples,
        truncation,
        stream.concealed_seconds,
        tuple(sorted(reasons)),
        channel.audio_sha256,
    )


def tracks_of(
    opened: Opened, settings: PrepareSettings, work: str = WORK
) -> tuple[int | None, ...]:
    """The tracks of an input that become recordings; None for the only or the default one."""
    if settings.tracks != "all":
        return (settings.tracks,)
    with open_stream(opened, settings, None, work) as stream:
        count = stream.track_count
    return (None,) if count == 1 else tuple(range(count))


def open_stream(
    opened: Opened, settings: PrepareSettings, track: int | None, work: str = WORK
) -> BlockStream:
    """Decode a track of an input's bytes, or the cut of it that the input names.

    A child process decodes it if the settings say so. ``work`` is what else that child can do.
    """
    request = DecodeRequest(
        settings.decoder,
        settings.limits,
        Cut(opened.ref.offset_seconds, opened.ref.duration_seconds, track),
        rare_containers=settings.rare_containers,
    )
    if settings.isolate_decoding and settings.decoder != "tfio":  # which has a child of its own
        name = opened.ref.uri.rpartition("/")[2]
        return IsolatedStream(opened.file, request, name, work=work)
    return AudioStream(opened.file, request)


def prepared_segment(
    source: Channel, segment: Segment, quality: Quality, settings: PrepareSettings
) -> PreparedSegment:
    """A segment with its clip for the recogniser, and its encoded audio if that is stored."""
    return _prepared(source, with_clip(segment, quality, settings.on_this_machine))
