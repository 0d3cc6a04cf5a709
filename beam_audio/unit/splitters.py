"""The channels of one decoded stream, each with its own splitter, levels and hash."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from beam_audio.audio.mixing import Mixer
from beam_audio.audio.pcm import PcmHash
from beam_audio.quality.levels import Level, SourceLevels, full_scale_of, level_of
from beam_audio.segments.splitter import Splitter
from beam_audio.unit.channels import Channel, channel_policy, recording_id_of, ref_of_channels

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.isolated.stream import BlockStream
    from beam_audio.audio.mixing import Channels, Mixed
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.types import Segment
    from beam_audio.unit.content import Opened


class ChannelSplitters:
    """The splitters of a stream, one for each channel that the policy asks for.

    Args:
        opened: The input.
        stream: Its decoded audio.
        channels: The channel policy; a channel that is stated for the input comes before it.
        track: The number of the audio track; None for the only or the default one.
        segments: How each channel is split.
    """

    def __init__(
        self,
        opened: Opened,
        stream: BlockStream,
        *,
        channels: Channels,
        track: int | None,
        segments: SegmentSettings,
    ) -> None:
        audio_format = stream.format
        policy = channel_policy(opened.ref, channels)
        ref = ref_of_channels(opened.ref, channels, audio_format.channels)
        self._mixer = Mixer(policy, audio_format, stream.decoder)
        self._full_scale = full_scale_of(audio_format.codec)
        mixes = policy == "mix" and audio_format.channels > 1
        self._levels = SourceLevels(self._mixer.hop_frames, self._full_scale) if mixes else None
        self._splitters: dict[int | None, tuple[Channel, Splitter]] = {}
        self._hashes: defaultdict[int | None, PcmHash] = defaultdict(PcmHash)
        for channel in self._mixer.channels:
            recording_id = recording_id_of(opened, channel, track)
            splitter = Splitter(
                recording_id=recording_id,
                channel=channel,
                sample_rate_hz=audio_format.sample_rate_hz,
                settings=segments,
            )
            source = Channel(ref, recording_id, channel, opened.content_sha256, audio_format, track)
            self._splitters[channel] = (source, splitter)

    @property
    def recording_ids(self) -> tuple[str, ...]:
        """Ids of the recordings that the channels become."""
        return tuple(source.recording_id for source, _ in self._splitters.values())

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is remarkable about the channels that have come so far."""
        return self._mixer.reasons

    def push(self, block: NDArray[np.float32]) -> list[tuple[Channel, Segment]]:
        """Take the next samples of all channels; return the segments they completed."""
        if self._levels:
            self._levels.drop_before(min(each.needed_from for _, each in self.items()))
        return self._split(self._mixer.push(block))

    def finish(self) -> list[tuple[Channel, Segment]]:
        """Return the remaining segments."""
        found = self._split(self._mixer.finish())
        for source, splitter in self.items():
            found += [(source, segment) for segment in splitter.finish()]
        return found

    def level(self, segment: Segment) -> Level:
        """Level of a segment that the last call returned; of a mix, those of its channels."""
        if self._levels:
            return self._levels.loudest(segment.start_sample, segment.end_sample)
        return level_of(segment.samples, self._full_scale)

    def audio_sha256(self, source: Channel) -> str:
        """The hash of what was pushed of a channel."""
        return self._hashes[source.channel].hexdigest()

    def items(self) -> Iterable[tuple[Channel, Splitter]]:
        """Each channel with its splitter."""
        return self._splitters.values()

    def _split(self, mixed: Iterable[Mixed]) -> list[tuple[Channel, Segment]]:
        found = []
        for each in mixed:
            if self._levels:
                self._levels.push(each.source)
            for channel, samples in each.signals.items():
                self._hashes[channel].push(samples)
                source, splitter = self._splitters[channel]
                found += [(source, segment) for segment in splitter.push(samples)]
        return found
