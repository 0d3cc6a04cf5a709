"""The channels of one decoded stream, each with its own splitter, levels and hash."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from beam_audio.audio.mixing import Mixer
from beam_audio.audio.pcm import PcmHash
from beam_audio.quality.levels import Level, SourceLevels, full_scale_of, level_of
from beam_audio.segments.splitter import Splitter

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.isolated.stream import BlockStream
    from beam_audio.audio.mixing import Channels, Mixed
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.types import Segment


class ChannelSplitters:
    """The splitters of a stream, one for each channel that the policy asks for.

    Args:
        stream: The decoded audio.
        policy: The channels that are taken of it.
        recording_ids: Ids of the recordings that these become, by channel.
        settings: How each channel is split.
    """

    def __init__(
        self,
        stream: BlockStream,
        policy: Channels,
        recording_ids: Mapping[int | None, str],
        settings: SegmentSettings,
    ) -> None:
        audio_format = stream.format
        self._mixer = Mixer(policy, audio_format, stream.decoder)
        self._full_scale = full_scale_of(audio_format.codec)
        mixes = policy == "mix" and audio_format.channels > 1
        self._levels = SourceLevels(self._mixer.hop_frames, self._full_scale) if mixes else None
        self._hashes: defaultdict[int | None, PcmHash] = defaultdict(PcmHash)
        self._splitters = {
            channel: Splitter(
                recording_id=recording_ids[channel],
                channel=channel,
                sample_rate_hz=audio_format.sample_rate_hz,
                settings=settings,
            )
            for channel in self._mixer.channels
        }

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is remarkable about the channels that have come so far."""
        return self._mixer.reasons

    def push(self, block: NDArray[np.float32]) -> list[Segment]:
        """Take the next samples of all channels; return the segments they completed."""
        if self._levels:
            self._levels.drop_before(min(each.needed_from for each in self._splitters.values()))
        return self._split(self._mixer.push(block))

    def finish(self) -> list[Segment]:
        """Return the remaining segments."""
        found = self._split(self._mixer.finish())
        for splitter in self._splitters.values():
            found += splitter.finish()
        return found

    def level(self, segment: Segment) -> Level:
        """Level of a segment that the last call returned; of a mix, those of its channels."""
        if self._levels:
            return self._levels.loudest(segment.start_sample, segment.end_sample)
        return level_of(segment.samples, self._full_scale)

    def audio_sha256(self, channel: int | None) -> str:
        """The hash of what was pushed of a channel."""
        return self._hashes[channel].hexdigest()

    def items(self) -> ItemsView[int | None, Splitter]:
        """Each channel with its splitter."""
        return self._splitters.items()

    def _split(self, mixed: Iterable[Mixed]) -> list[Segment]:
        found = []
        for each in mixed:
            if self._levels:
                self._levels.push(each.source)
            for channel, samples in each.signals.items():
                self._hashes[channel].push(samples)
                found += self._splitters[channel].push(samples)
        return found
