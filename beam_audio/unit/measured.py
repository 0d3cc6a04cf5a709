"""A decoded stream to measured segments: mix, split, measure, and what the recogniser will hear.

It needs no model of recognition and nothing of the input but the ids of its recordings, so that it
can run in the process that decodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np

from beam_audio.audio import encode
from beam_audio.audio.decode import resample
from beam_audio.enhancers.network import load_same as load_same_enhancer
from beam_audio.errors import EnhanceError
from beam_audio.quality import dnsmos
from beam_audio.quality.fingerprint import FINGERPRINT_RATE_HZ, fingerprint, on_grid
from beam_audio.quality.signal import measure
from beam_audio.speakers.networks import RATE_HZ as VOICE_RATE_HZ
from beam_audio.speakers.networks import load_same
from beam_audio.speakers.voices import hear_voices
from beam_audio.types import Quality
from beam_audio.unit.sounds import with_sounds
from beam_audio.unit.splitters import ChannelSplitters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from beam_audio.audio.isolated.stream import BlockStream
    from beam_audio.audio.mixing import Channels
    from beam_audio.classifiers.load import ClassifierId
    from beam_audio.enhancers.network import EnhancerModel
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.speakers.networks import SpeakerModel
    from beam_audio.types import Segment
    from beam_audio.unit.clock import StageClock

StoredCodec = Literal["none", "flac", "opus"]

_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)
_UNMEASURED: Final = Quality(None, None, 0.0, 0.0, None, None, None)


class ClipSettings(Protocol):
    """What is made of the samples of a segment; see :class:`Order`."""

    @property
    def clip_rate_hz(self) -> int:
        """The rate that the recogniser takes."""

    @property
    def store_audio(self) -> StoredCodec:
        """The codec of stored audio."""

    @property
    def dnsmos(self) -> bool:
        """Whether the clip is rated."""

    @property
    def classifier(self) -> ClassifierId | None:
        """What hears which sounds are in it."""

    @property
    def speakers(self) -> SpeakerModel | None:
        """The networks that tell speakers apart; None if nobody listens for them."""

    @property
    def enhancer(self) -> EnhancerModel | None:
        """What takes noise out of the clip; None for nothing."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is made of a stream.

    Attributes:
        policy: The channels that are taken of it.
        recording_ids: Ids of the recordings that these become, by channel.
        segments: How each is split.
        clip_rate_hz: The rate that the recogniser takes.
        store_audio: The codec of stored audio.
        dnsmos: Whether each segment is rated, see :mod:`beam_audio.quality.dnsmos`.
        classifier: What hears which sounds are in each segment; None for nothing.
        speakers: The networks that tell speakers apart; None if nobody listens for them.
        enhancer: What takes noise out of what the recogniser hears; None for nothing.
        measured_from: By channel, the sample before which no segment that begins is measured: what
            it holds was recognised before.
    """

    policy: Channels
    recording_ids: Mapping[int | None, str]
    segments: SegmentSettings
    clip_rate_hz: int = 16_000
    store_audio: StoredCodec = "none"
    dnsmos: bool = False
    classifier: ClassifierId | None = None
    speakers: SpeakerModel | None = None
    enhancer: EnhancerModel | None = None
    measured_from: Mapping[int | None, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredSegment:
    """A segment with its measures.

    ``segment.samples`` is empty: ``clip`` holds what the recogniser hears, float32 at its rate, and
    ``encoded`` the audio that is stored, if any. Both are empty if it was not to be measured.
    ``unheard`` says why the recogniser cannot hear it; empty if it can.
    """

    segment: Segment
    quality: Quality
    clip: NDArray[np.float32] = field(repr=False)
    encoded: bytes | None = field(default=None, repr=False)
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredChannel:
    """The end of a channel: all its segments have come.

    Attributes:
        channel: Its number; None for a mix.
        decoded_samples: Its length.
        speech_samples: How many of them are speech.
        reasons: What is remarkable about the channels of the stream; see
            :mod:`beam_audio.audio.mixing`.
        audio_sha256: Hash of its samples; see :class:`~beam_audio.audio.pcm.PcmHash`.
    """

    channel: int | None
    decoded_samples: int
    speech_samples: int
    reasons: tuple[str, ...]
    audio_sha256: str


Measured = MeasuredSegment | MeasuredChannel


def measured(stream: BlockStream, order: Order, clock: StageClock) -> Iterator[Measured]:
    """Yield the segments of a stream as they are found, then each of its channels.

    Memory does not grow with the length of the stream.

    Raises:
        BeamAudioError: What the stream and the splitter raise.
    """
    splitters = ChannelSplitters(stream, order.policy, order.recording_ids, order.segments)
    for block in clock.iterate("decode", stream.blocks()):
        with clock.stage("segment"):
            found = splitters.push(block)
        yield from _measured(found, splitters, order, clock)
    with clock.stage("segment"):
        found = splitters.finish()
    yield from _measured(found, splitters, order, clock)
    for channel, splitter in splitters.items():
        yield MeasuredChannel(
            channel,
            splitter.decoded_samples,
            splitter.speech_samples,
            splitters.reasons,
            splitters.audio_sha256(channel),
        )


def with_clip(segment: Segment, quality: Quality, settings: ClipSettings) -> MeasuredSegment:
    """A segment with its clip for the recogniser, and its encoded audio if that is stored."""
    return _enhanced(_as_it_came(segment, quality, settings), settings)


def _as_it_came(segment: Segment, quality: Quality, settings: ClipSettings) -> MeasuredSegment:
    """The same with all that is said of the audio, and nothing taken out of the clip."""
    clip = resample(segment.samples, segment.sample_rate_hz, settings.clip_rate_hz)
    if settings.dnsmos:
        quality = _rated(quality, resample(clip, settings.clip_rate_hz, dnsmos.RATE_HZ))
    if settings.classifier is not None:
        quality = with_sounds(quality, segment, settings.classifier)
    if settings.speakers is not None:
        heard = resample(clip, settings.clip_rate_hz, VOICE_RATE_HZ)
        quality = _with_voices(quality, heard, segment, settings.speakers)
    codec = settings.store_audio
    encoded = None if codec == "none" else encode.encode(segment, codec)
    return MeasuredSegment(replace(segment, samples=_NO_SAMPLES), quality, clip, encoded)


def _measured(
    found: list[Segment], splitters: ChannelSplitters, order: Order, clock: StageClock
) -> Iterator[MeasuredSegment]:
    for segment in found:
        if segment.start_sample < order.measured_from.get(segment.channel, 0):
            yield MeasuredSegment(replace(segment, samples=_NO_SAMPLES), _UNMEASURED, _NO_SAMPLES)
            continue
        with clock.stage("measure"):
            quality = measure(segment, splitters.level(segment))
            made = _with_fingerprint(_as_it_came(segment, quality, order), order.clip_rate_hz)
            made = _enhanced(made, order)
        yield made


def _enhanced(made: MeasuredSegment, settings: ClipSettings) -> MeasuredSegment:
    """Take noise out of the clip alone; one that cannot be made so is not heard."""
    if settings.enhancer is None:
        return made
    enhancer, samples = load_same_enhancer(settings.enhancer), len(made.clip)
    rates_hz = settings.clip_rate_hz, enhancer.description.sample_rate_hz
    try:
        clip = resample(enhancer.enhance(resample(made.clip, *rates_hz)), *rates_hz[::-1])
    except EnhanceError as error:
        return replace(made, unheard=str(error))
    # Two changes of rate may add a sample, or lose one.
    return replace(made, clip=np.pad(clip[:samples], (0, max(0, samples - len(clip)))))


def _rated(quality: Quality, clip: NDArray[np.float32]) -> Quality:
    """Measures with those of DNSMOS."""
    found = dnsmos.rate(clip)
    if found is None:
        return quality
    return replace(quality, dnsmos_sig=found.sig, dnsmos_bak=found.bak, dnsmos_ovrl=found.ovrl)


def _with_voices(
    quality: Quality, clip: NDArray[np.float32], segment: Segment, wanted: SpeakerModel
) -> Quality:
    """Measures with the voices of a clip at 16 kHz."""
    networks = load_same(wanted)
    voices = hear_voices(clip, segment.start_seconds, networks)
    return replace(quality, voices=voices, speaker_model_id=networks.model.model_id)


def _with_fingerprint(made: MeasuredSegment, clip_rate_hz: int) -> MeasuredSegment:
    """Add what the clip sounds like to its measures."""
    sound = resample(made.clip, clip_rate_hz, FINGERPRINT_RATE_HZ)
    sound = on_grid(sound, made.segment.start_seconds)
    return replace(made, quality=replace(made.quality, fingerprint=fingerprint(sound)))
