"""Which tracks and channels of an input are recordings, and which a stated text belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.audio.mixing import channels_of
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from beam_audio.audio.mixing import Channels
    from beam_audio.types import AudioFormat, AudioRef
    from beam_audio.unit.content import Opened

Tracks = Literal["all"] | int | None
"""Audio tracks of a file: all, the one of a number from 0, or None for the file's default."""

REFERENCE_WITHOUT_TRACK: Final = "reference_without_track"
"""Reason of a track whose file has a reference text and other tracks."""

REFERENCE_WITHOUT_CHANNEL: Final = "reference_without_channel"
"""Reason of a channel whose file has a reference text that no channel is stated for."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel (or mix) of one track of an opened input.

    ``track`` is None unless the track was asked for by its number, or is one of several.
    """

    ref: AudioRef
    recording_id: str
    channel: int | None
    content_sha256: str
    format: AudioFormat
    track: int | None = None


def channel_policy(ref: AudioRef, policy: Channels) -> Channels:
    """The channels that are taken of an input: the stated one, else those of ``--channels``."""
    return policy if ref.channel is None else ref.channel


def ref_of_channels(ref: AudioRef, policy: Channels, channels: int) -> AudioRef:
    """A reference as each of its channels has it.

    If the channels of a file are split, a text for the whole file is the text of none of them.

    Args:
        ref: What is stated about the file.
        policy: That of ``--channels``.
        channels: How many channels the file has.
    """
    is_split = policy == "split" and ref.channel is None and channels > 1
    return _without_reference(ref, REFERENCE_WITHOUT_CHANNEL) if is_split else ref


def ref_of_tracks(ref: AudioRef, tracks: int) -> AudioRef:
    """A reference as each of so many tracks has it; see :func:`ref_of_channels`."""
    return _without_reference(ref, REFERENCE_WITHOUT_TRACK) if tracks > 1 else ref


def sources_of(
    opened: Opened, audio_format: AudioFormat, policy: Channels, track: int | None
) -> dict[int | None, Channel]:
    """The recordings that a track of an input becomes, by channel.

    Args:
        opened: The input.
        audio_format: What the track's header says.
        policy: That of ``--channels``; a channel that is stated for the input comes before it.
        track: The number of the audio track; None for the only or the default one.

    Raises:
        InputError: The channel asked for does not exist.
    """
    ref = ref_of_channels(opened.ref, policy, audio_format.channels)
    found = channels_of(channel_policy(opened.ref, policy), audio_format.channels)
    return {
        channel: Channel(
            ref,
            recording_id_of(opened, channel, track),
            channel,
            opened.content_sha256,
            audio_format,
            track,
        )
        for channel in found
    }


def _without_reference(ref: AudioRef, reason: str) -> AudioRef:
    """The reference without its text, if it has one, and the reason for that."""
    if ref.reference_text is None:
        return ref
    return replace(ref, reference_text=None, reasons=(*ref.reasons, reason))


def recording_id_of(opened: Opened, channel: int | None, track: int | None) -> str:
    """The id of a recording; a track that is asked for by number has one of its own."""
    ref = opened.ref
    part = (ref.offset_seconds, ref.duration_seconds)
    which = (channel,) if track is None else (channel, track)
    return stable_id("recording", ref.uri, opened.content_sha256, *part, *which, *ref.channel_parts)
