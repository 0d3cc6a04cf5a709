"""One recording from its reference to measured segments: open, hash, decode, split, measure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.audio.decode import DecodeLimits, Decoder, names_other_tracks
from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.stream import BlockStream, IsolatedStream
from beam_audio.audio.mixing import Channels, Mixer
from beam_audio.classifiers.card import classifier_cards
from beam_audio.errors import DecodeError, InputError, LimitError
from beam_audio.inputs.forgotten import Forgotten
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Audio, AudioRef, Failure, Quality, Segment
from beam_audio.unit.channels import (
    Channel,
    Tracks,
    channel_policy,
    recording_id_of,
    ref_of_tracks,
    sources_of,
)
from beam_audio.unit.clock import StageClock, failure_of
from beam_audio.unit.content import from_opened
from beam_audio.unit.measured import (
    MeasuredChannel,
    MeasuredSegment,
    Order,
    StoredCodec,
    measured,
    with_clip,
)
from beam_audio.unit.measured_in_child import WORK, measured_in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from numpy.typing import NDArray

    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.types import Transcript
    from beam_audio.unit.content import Opened, Opener

_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """What decides how a recording becomes segments.

    ``rare_containers`` are read, too, where they are named. ``clip_rate_hz`` is the rate the
    recogniser takes, ``store_audio`` the codec of stored audio. ``isolate_decoding`` decodes,
    splits and measures in a child process. What is ``forgotten`` gives no rows.
    ``dnsmos`` rates each segment, see :mod:`beam_audio.quality.dnsmos`; ``classifier`` hears which
    sounds are in it, see :mod:`beam_audio.unit.sounds`. ``speakers`` are the networks that
    tell speakers apart. ``enhancer`` takes noise out of what the recogniser hears. ``opener`` opens
    inputs of a unit, see :mod:`beam_audio.unit.file_copies`; None opens each for itself.
    """

    decoder: Decoder = "auto"
    rare_containers: tuple[str, ...] = ()
    channels: Channels = "mix"
    tracks: Tracks = None
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    segments: SegmentSettings = field(default_factory=SegmentSettings)
    clip_rate_hz: int = 16_000
    store_audio: StoredCodec = "none"
    isolate_decoding: bool = True
    forgotten: Forgotten = field(default_factory=Forgotten)
    dnsmos: bool = False
    classifier: ClassifierId | None = None
    speakers: SpeakerModel | None = None
    enhancer: EnhancerModel | None = None
    opener: Opener | None = None

    @property
    def on_this_machine(self) -> PrepareSettings:
        """The same, with networks where each process of this machine finds them.

        Those of a bucket are copied, once a process. The one that decodes has a folder of its own.
        """
        classifier, speakers, enhancer = self.classifier, self.speakers, self.enhancer
        if classifier is not None and classifier.name not in classifier_cards():
            classifier = replace(classifier, name=_local_folder(classifier.name))
        return replace(
            self,
            classifier=classifier,
            speakers=speakers and replace(speakers, folder=_local_folder(speakers.folder)),
            enhancer=enhancer and replace(enhancer, folder=_local_folder(enhancer.folder)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSegment:
    """A measured segment on its way to the recogniser.

    ``segment.samples`` is empty: ``clip`` holds what the recogniser hears, float32 at its rate, and
    ``encoded`` the audio that is stored, if any; both are empty if it was not to be measured.
    ``unheard`` says why the recogniser cannot hear it; empty if it can. ``transcript`` and
    ``second`` are what its row has already, and what is not made again.
    """

    source: Channel
    segment: Segment
    quality: Quality
    clip: NDArray[np.float32] = field(repr=False)
    encoded: bytes | None = field(default=None, repr=False)
    unheard: str = ""
    transcript: Transcript | None = None
    second: Opinion | None = None


@dataclass(frozen=True, slots=True)
class RecordingEnd:
    """The end of a recording: all its segments have come.

    Attributes:
        source: The recording.
        decoded_samples: Its length, with silence that stands in for lost audio.
        speech_samples: How many of them are speech.
        truncation: The failure that ended decoding too early; None when none did.
        concealed_seconds: Silence that stands in for what the file does not hold.
        reasons: What is remarkable about its file and its channels; see
            :class:`~beam_audio.audio.decode.AudioStream` and :mod:`beam_audio.audio.mixing`.
        audio_sha256: Hash of its samples as 16-bit PCM, see
            :class:`~beam_audio.audio.pcm.PcmHash`; empty for samples that came without a file.
    """

    source: Channel
    decoded_samples: int
    speech_samples: int
    truncation: Failure | None
    concealed_seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    audio_sha256: str = ""


@dataclass(frozen=True, slots=True)
class KnownInput:
    """An input whose bytes have rows already, under the same name: the file was touched."""

    source_id: str
    recording_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgottenInput:
    """An input of a recording that was forgotten: nothing is kept of it."""

    ref: AudioRef


Event = PreparedSegment | RecordingEnd | KnownInput | ForgottenInput | Failure


@cache
def _local_folder(name: str) -> str:
    from beam_audio.asr.remote_model import local_model  # noqa: PLC0415 - imports Beam

    return str(Path(local_model(name)).expanduser().absolute())


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
