"""Voice activity detection: Silero VAD in ONNX, streamed, and the rules that find speech with it.

Everything runs at 16 kHz in frames of 512 samples (32 ms).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np
import soxr

from beam_audio.segments.vad_graph import CONTEXT_SAMPLES, FRAME_SAMPLES
from beam_audio.segments.vad_network import NO_STATE, vad_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

VAD_RATE_HZ: Final = 16_000
MARGIN_FRAMES: Final = 8
"""The detector hears 0.26 s before the first sample: one that starts cold misses words there. It is
the beginning of the recording, backwards and 20 dB quieter. After plain silence, the noise that a
recording begins with would seem to be a word."""
_MARGIN_GAIN: Final = np.float32(0.1)

# Frames go through the model in groups of this size, counted from the start of the stream, so that
# probabilities do not depend on the blocks of the stream on any processor.
_GROUP_FRAMES = 128
_GROUP_SAMPLES = _GROUP_FRAMES * FRAME_SAMPLES

# Float files may hold anything. A decoder's overshoot stays under four times full scale, and one
# infinity would stay in the model's state for the rest of the recording.
_LOUDEST_SAMPLE = 4.0

# Probabilities differ in their last bits between processors. They are rounded before any threshold.
_PROBABILITY_DECIMALS = 4

ScalarT = TypeVar("ScalarT", bound=np.generic)


def source_sample(vad_sample: int, sample_rate_hz: int) -> int:
    """Map a sample count at 16 kHz to the nearest one at ``sample_rate_hz``, halves upwards."""
    return (2 * vad_sample * sample_rate_hz + VAD_RATE_HZ) // (2 * VAD_RATE_HZ)


class StreamBuffer(Generic[ScalarT]):
    """The part of a stream that is still needed, addressed by position in the stream.

    It takes at most four times the memory of the longest part ever held.
    """

    def __init__(self, dtype: type[ScalarT]) -> None:
        self._data: NDArray[ScalarT] = np.empty(0, dtype)
        self._begin = self._end = 0
        self._dropped = 0

    @property
    def stop(self) -> int:
        """Length of the stream so far."""
        return self._dropped + self._end - self._begin

    def append(self, block: NDArray[ScalarT]) -> None:
        """Add ``block`` of shape (n,) at the end."""
        held = self._end - self._begin
        needed = held + len(block)
        if self._end + len(block) > len(self._data):
            roomy = 2 * needed <= len(self._data)
            target = self._data if roomy else np.empty(2 * needed, self._data.dtype)
            target[:held] = self._data[self._begin : self._end]
            self._data, self._begin, self._end = target, 0, held
        self._data[self._end : self._end + len(block)] = block
        self._end += len(block)

    def read(self, start: int, stop: int) -> NDArray[ScalarT]:
        """Copy positions [start, stop) of the stream, which must still be held."""
        shift = self._begin - self._dropped
        return self._data[start + shift : stop + shift].copy()

    def drop_before(self, position: int) -> None:
        """Forget everything before ``position``."""
        count = min(max(position - self._dropped, 0), self._end - self._begin)
        self._begin += count
        self._dropped += count


class VadInput:
    """Converts a stream of any rate to the detector's 16 kHz, and makes hostile values harmless."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._stream = (
            None
            if sample_rate_hz == VAD_RATE_HZ
            else soxr.ResampleStream(sample_rate_hz, VAD_RATE_HZ, 1, dtype="float32")
        )

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert float32 (n,) at the source rate; the result lags by a few milliseconds."""
        return self._convert(block, last=False)

    def finish(self) -> NDArray[np.float32]:
        """Return what the resampler still holds."""
        return self._convert(np.empty(0, np.float32), last=True)

    def _convert(self, block: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        # A NaN fails every comparison, so only finite samples pass.
        harmless = not block.size or (
            block.max() <= _LOUDEST_SAMPLE and block.min() >= -_LOUDEST_SAMPLE
        )
        clean = block if harmless else np.nan_to_num(block).clip(-_LOUDEST_SAMPLE, _LOUDEST_SAMPLE)
        if self._stream is None:
            return clean
        converted: NDArray[np.float32] = self._stream.resample_chunk(clean, last=last)
        return converted


class SpeechDetector:
    """Speech probability of every frame of one 16 kHz stream, with the model's state carried along.

    The probabilities are the same, to the bit, for any blocks of the stream. Detectors are light:
    all detectors of a process share the loaded model.

    Raises:
        ModelError: onnxruntime is not installed.
    """

    def __init__(self) -> None:
        self._network = vad_network()
        self._state = NO_STATE
        self._has_begun = False
        # The samples of a group, behind those that the model takes with its first frame.
        self._group = np.zeros(CONTEXT_SAMPLES + _GROUP_SAMPLES, np.float32)
        self._held = 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take float32 (n,) at 16 kHz; return the probabilities of the frames that became ready.

        Frames become ready in groups, up to 4.1 s late, and the last frame of a stream only in
        :meth:`finish`.
        """
        ready: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        while len(samples):
            if self._held == _GROUP_SAMPLES:
                ready.append(self._hear_held())
            taken = samples[: _GROUP_SAMPLES - self._held]
            self._hold(taken)
            samples = samples[len(taken) :]
        return np.concatenate(ready)

    def finish(self) -> NDArray[np.float32]:
        """Return the probabilities of all remaining frames, the last one padded with zeros."""
        self._hold(np.zeros(-self._held % FRAME_SAMPLES, np.float32))
        return self._hear_held() if self._held else np.empty(0, np.float32)

    def _hold(self, samples: NDArray[np.float32]) -> None:
        place = CONTEXT_SAMPLES + self._held
        self._group[place : place + len(samples)] = samples
        self._held += len(samples)

    def _hear_held(self) -> NDArray[np.float32]:
        """Probabilities of the samples that are held, whole frames."""
        stop = CONTEXT_SAMPLES + self._held
        if not self._has_begun:
            self._warm_up(self._group[CONTEXT_SAMPLES:stop])
        probabilities, self._state = self._network.hear(self._group[:stop], self._state)
        self._group[:CONTEXT_SAMPLES] = self._group[self._held : stop]
        self._held = 0
        return probabilities

    def _warm_up(self, beginning: NDArray[np.float32]) -> None:
        margin = np.zeros(CONTEXT_SAMPLES + MARGIN_FRAMES * FRAME_SAMPLES, np.float32)
        heard = beginning[: MARGIN_FRAMES * FRAME_SAMPLES]
        margin[len(margin) - len(heard) :] = heard[::-1] * _MARGIN_GAIN
        _, self._state = self._network.hear(margin, self._state)
        self._group[:CONTEXT_SAMPLES] = margin[-CONTEXT_SAMPLES:]
        self._has_begun = True


class SpeechTracker:
    """Turns probabilities into stretches of speech, by hysteresis and two shortest lengths.

    A frame of at least ``threshold`` switches speech on, and one below ``release`` switches it off.
    Then silences under ``min_silence_seconds`` between two stretches are filled, and after that
    speech under ``min_speech_seconds`` is dropped. Lengths are rounded up to whole frames.
    Probabilities are pushed from frame ``first_frame`` on.
    """

    def __init__(
        self,
        *,
        threshold: float,
        release: float,
        min_speech_seconds: float,
        min_silence_seconds: float,
        first_frame: int = 0,
    ) -> None:
        self._threshold = threshold
        self._release = release
        self._min_speech = max(1, _frames(min_speech_seconds))
        self._min_silence = max(1, _frames(min_silence_seconds))
        self._position = first_frame
        self._speaking = False
        # The stretch that may still grow: its start, its end so far, the end of what was returned.
        self._open = False
        self._start = self._end = self._returned = 0

    @property
    def decided(self) -> int:
        """Frames before this one are decided: those returned are speech, the others are not."""
        if not self._open:
            return self._position
        return self._end if self._returned > self._start else self._start

    def push(self, probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
        """Take the next frames' probabilities (n,); return speech as (start, end) frames.

        A long stretch is returned in parts that touch; two stretches never touch.
        """
        if not len(probabilities):
            return []
        rounded = np.round(probabilities.astype(np.float64), _PROBABILITY_DECIMALS)
        rising = rounded >= self._threshold
        # Index of the last frame that switched speech on or off; 0 is the state before the block.
        switch = np.where(rising | (rounded < self._release), np.arange(1, len(rising) + 1), 0)
        states = np.concatenate(([self._speaking], rising))
        speaking = states[np.maximum.accumulate(switch)]
        turns = np.flatnonzero(speaking[1:] != speaking[:-1]) + 1
        edges = [0, *turns.tolist(), len(speaking)]
        spans: list[tuple[int, int]] = []
        for first, stop in itertools.pairwise(edges):
            if stop > first:
                spans.extend(self._run(stop - first, speaking=bool(speaking[first])))
        return spans

    def _run(self, length: int, *, speaking: bool) -> list[tuple[int, int]]:
        """Advance over ``length`` frames of one state."""
        begin = self._position
        self._position += length
        self._speaking = speaking
        if not speaking:
            if self._position - self._end >= self._min_silence:
                self._open = False
            return []
        if not self._open:
            self._open, self._start, self._returned = True, begin, begin
        self._end = self._position
        if self._end - self._start < self._min_speech:
            return []
        part = (self._returned, self._end)
        self._returned = self._end
        return [part]


def _frames(seconds: float) -> int:
    return -(-round(seconds * VAD_RATE_HZ) // FRAME_SAMPLES)
