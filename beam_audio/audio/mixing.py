"""The channels of a source to the signals that are heard: mixed, split or picked.

A plain mean loses speech: channels of opposite sign cancel, and the speech of a film is in one of
six channels. So the mix follows the layout of the channels. Where a mix is far weaker than the
loudest channel, that channel is heard instead. This is decided in hops of half a second counted
from the start, from the audio up to the end of the hop: the audio is read once, memory is bounded,
and the samples do not depend on the blocks in which it comes. A decision from a first part alone
would miss what comes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from beam_audio.audio.alikeness import Alikeness
from beam_audio.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beam_audio.types import AudioFormat

Channels = Literal["mix", "split"] | int

HOP_SECONDS: Final = 0.5

MIX_REASONS: Final = ("channel_silent", "channels_cancel", "channels_differ", "integer_scale")
"""What :attr:`Mixer.reasons` may name."""

CANCEL_DB: Final = 7.0
"""A mix this much weaker than a channel that has more energy than all others has lost it. Two
channels, one of them silent, lose 6.02."""
CANCEL_SHARE: Final = 0.6
"""A mix with less than this share of the energy of its parts has channels of opposite sign: those
of one source turned by 114 degrees or more. Channels that have nothing in common keep all of it."""

_FRONT, _CENTRE, _REAR, _LFE = 0.5, 2**-0.5, 2**-1.5, 0.0
_PAIR, _REARS = (_FRONT, _FRONT), (_REAR, _REAR)
LAYOUTS: Final = {
    3: (*_PAIR, _CENTRE),
    4: (*_PAIR, *_REARS),
    5: (*_PAIR, _CENTRE, *_REARS),
    6: (*_PAIR, _CENTRE, _LFE, *_REARS),
    7: (*_PAIR, _CENTRE, _LFE, _REAR, *_REARS),
    8: (*_PAIR, _CENTRE, _LFE, *_REARS, *_REARS),
}
"""Gains by ITU-R BS.775: centre and rear 3 dB below the front in a stereo mix, whose two sides are
averaged; the LFE channel is left out. The order is that of WAV and FLAC: front left and right,
centre, LFE, rear, sides."""
XIPH_LAYOUTS: Final = {
    3: (_FRONT, _CENTRE, _FRONT),
    4: (*_PAIR, *_REARS),
    5: (_FRONT, _CENTRE, _FRONT, *_REARS),
    6: (_FRONT, _CENTRE, _FRONT, *_REARS, _LFE),
    7: (_FRONT, _CENTRE, _FRONT, *_REARS, _REAR, _LFE),
    8: (_FRONT, _CENTRE, _FRONT, *_REARS, *_REARS, _LFE),
}
"""The same in the order of Vorbis and Opus, which libsndfile keeps."""

_QUIET_SHARE: Final = 0.01
_DECAY: Final = 0.8
"""A hop with less than this share of the energy of the loudest hop before, which fades by a fifth a
hop, is a pause and changes no decision."""
_STAY: Final = 0.5
"""A channel that is heard instead of the mix stays while it has this share of the loudest's
energy."""
_FADE_SECONDS: Final = 0.02
_AUDIBLE_POWER: Final = 1e-6
_SILENT_POWER: Final = 1e-9
"""-90 dBFS: a channel of dither alone is silent."""

_FLOATS: Final = ("pcm_f", "float")
_INTEGER_PEAK: Final = 8.0
"""No recording with full scale 1.0 comes near it: 18 dB beyond full scale."""
_INTEGER_STEP: Final = 2.0
_INTEGER_SCALE: Final = 2.0**-15


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """Some of a recording: all its channels, and the signals that are heard.

    ``source`` is float32 of shape (frames, channels), ``signals`` are float32 of shape (frames,) by
    channel; the channel of a mix is None.
    """

    source: NDArray[np.float32]
    signals: dict[int | None, NDArray[np.float32]]


class Mixer:
    """Makes the signals that are heard of one recording, block by block.

    Args:
        policy: ``mix`` mixes the channels, ``split`` keeps each, a number (from 0) keeps that one.
        audio_format: What the recording's header says.
        decoder: Name of the decoder; it decides the order of the channels.

    Attributes:
        channels: The channels of the signals; None is a mix.
        hop_frames: Length of what comes out at once, but for the last, where several channels are
            mixed.

    Raises:
        InputError: The channel asked for does not exist.
    """

    def __init__(self, policy: Channels, audio_format: AudioFormat, decoder: str = "") -> None:
        available = audio_format.channels
        self.channels = channels_of(policy, available)
        self.hop_frames = max(1, round(HOP_SECONDS * audio_format.sample_rate_hz))
        xiph = decoder == "soundfile" and audio_format.container == "ogg"
        layout = (XIPH_LAYOUTS if xiph else LAYOUTS).get(available)
        several = policy == "mix" and available > 1
        self._mix = _Mix(available, layout, audio_format.sample_rate_hz) if several else None
        self._scale = _IntegerScale() if audio_format.codec.startswith(_FLOATS) else None
        self._rest: list[NDArray[np.float32]] = []

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is remarkable about the channels so far, by name; sorted."""
        found = [*self._mix.reasons] if self._mix else []
        if self._scale and self._scale.found:
            found.append("integer_scale")
        return tuple(sorted(found))

    def push(self, block: NDArray[np.float32]) -> Iterator[Mixed]:
        """Take the next samples, finite, of shape (frames, channels)."""
        if not self._mix and not self._scale:
            yield self._mixed(block)
            return
        self._rest.append(block)
        if sum(map(len, self._rest)) < self.hop_frames:
            return
        joined = np.concatenate(self._rest)
        whole = len(joined) // self.hop_frames * self.hop_frames
        self._rest = [joined[whole:]]
        for first in range(0, whole, self.hop_frames):
            yield self._mixed(joined[first : first + self.hop_frames])

    def finish(self) -> Iterator[Mixed]:
        """Return what is left; the recording ends here."""
        rest, self._rest = self._rest, []
        if any(map(len, rest)):
            yield self._mixed(np.concatenate(rest))

    def _mixed(self, hop: NDArray[np.float32]) -> Mixed:
        source = self._scale.scaled(hop) if self._scale else hop
        if self._mix:
            return Mixed(source, {None: self._mix.mixed(source)})
        picked = {each: np.ascontiguousarray(source[:, each or 0]) for each in self.channels}
        return Mixed(source, picked)


def channels_of(policy: Channels, available: int) -> tuple[int | None, ...]:
    """The channels of the signals of a recording; None is a mix.

    Args:
        policy: See :class:`Mixer`.
        available: How many channels the recording has.

    Raises:
        InputError: The channel asked for does not exist.
    """
    if policy == "mix":
        return (None,)
    if policy == "split":
        return tuple(range(available))
    if not 0 <= policy < available:
        raise InputError(
            f"channel {policy} was asked for, and the audio has {available}, counted from 0"
        )
    return (policy,)


class _IntegerScale:
    """Finds 16-bit integers stored as float, and brings them to a full scale of 1.0."""

    def __init__(self) -> None:
        self.found = False

    def scaled(self, hop: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.found:
            peak = float(np.abs(hop).max(initial=0.0))
            whole = peak >= _INTEGER_STEP and np.array_equal(hop, np.rint(hop))
            self.found = peak > _INTEGER_PEAK or whole
        return hop * np.float32(_INTEGER_SCALE) if self.found else hop


class _Mix:
    """The mix of several channels, hop by hop, and what was remarkable."""

    def __init__(self, channels: int, layout: tuple[float, ...] | None, rate_hz: int) -> None:
        self._layout = np.array(layout or (1 / channels,) * channels)
        self._known_layout = layout is not None
        self._fade_frames = round(_FADE_SECONDS * rate_hz)
        self._sounded = np.zeros(channels, np.bool_)
        self._usual_energy = 0.0
        self._gains: NDArray[np.float64] | None = None
        self._alone: int | None = None
        self._cancelled = False
        self._alikeness = Alikeness(rate_hz) if channels == 2 else None  # noqa: PLR2004 - stereo

    @property
    def reasons(self) -> Iterator[str]:
        if self._sounded.any() and not self._sounded.all() and not self._known_layout:
            yield "channel_silent"
        if self._cancelled:
            yield "channels_cancel"
        if self._alikeness and self._alikeness.differ:
            yield "channels_differ"

    def mixed(self, hop: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mix of the next hop, float32 (frames, channels) to (frames,)."""
        energies = _energies(hop)
        self._sounded |= energies > _SILENT_POWER * len(hop)
        gains = self._mix_gains()
        mix = _sum(hop, gains)
        self._choose(np.where(self._layout > 0.0, energies, 0.0), gains, mix)
        if self._alone is not None:
            gains = np.eye(len(gains))[self._alone]
            self._cancelled |= bool(energies[self._alone] > _AUDIBLE_POWER * len(hop))
            mix = _sum(hop, gains)
        if self._gains is not None and not np.array_equal(gains, self._gains):
            self._fade(mix, hop, self._gains)
        self._gains = gains
        if self._alikeness:
            self._alikeness.push(hop)
        return mix

    def _mix_gains(self) -> NDArray[np.float64]:
        """Gains of the layout, or of the mean of the channels that are not silent so far.

        A channel that sounds alone keeps its level.
        """
        sounded = self._sounded & (self._layout > 0.0)
        count = int(sounded.sum())
        if count == 0 or (self._known_layout and count > 1):
            return self._layout
        return np.asarray(sounded / count)

    def _choose(
        self,
        energies: NDArray[np.float64],
        gains: NDArray[np.float64],
        mix: NDArray[np.float32],
    ) -> None:
        """Decide whether a channel is heard instead of a hop's mix; pauses decide nothing."""
        loudest = int(np.argmax(energies))
        self._usual_energy = max(_DECAY * self._usual_energy, float(energies[loudest]))
        if energies[loudest] < _QUIET_SHARE * self._usual_energy:
            return
        mix_energy = float(_energies(mix[:, np.newaxis])[0])
        buried = 2 * energies[loudest] > energies.sum()
        weak = mix_energy < energies[loudest] * 10 ** (-CANCEL_DB / 10)
        opposite = mix_energy < CANCEL_SHARE * float(gains**2 @ energies)
        if not opposite and not (weak and buried):
            self._alone = None
        elif self._alone is None or energies[self._alone] < _STAY * energies[loudest]:
            self._alone = loudest

    def _fade(
        self, mix: NDArray[np.float32], hop: NDArray[np.float32], gains: NDArray[np.float64]
    ) -> None:
        """Begin a mix with the gains of the hop before, and pass to its own."""
        count = min(self._fade_frames, len(hop))
        before = _sum(hop[:count], gains)
        share = (np.arange(count, dtype=np.float32) + np.float32(0.5)) / np.float32(max(1, count))
        mix[:count] = before + (mix[:count] - before) * share


def _energies(hop: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of each channel without its offset: an offset does not cancel where speech does."""
    wide = np.ascontiguousarray(hop.T, dtype=np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    return np.asarray(np.einsum("ij,ij->i", wide, wide))


def _sum(hop: NDArray[np.float32], gains: NDArray[np.float64]) -> NDArray[np.float32]:
    # Channel by channel, so that a sample does not depend on the length of its hop.
    total = np.zeros(len(hop), np.float32)
    for channel in np.flatnonzero(gains):
        total += hop[:, channel] * np.float32(gains[channel])
    return total
