"""Voice activity detection: Silero VAD in ONNX, streamed, and the rules that find speech with it.

Everything runs at 16 kHz in frames of 512 samples (32 ms). The model file is
``silero_vad_16k_sequence.onnx`` of silero-vad 6.2.3 (MIT), unchanged;
:mod:`beam_audio.segments.vad_graph` rearranges it when it is loaded.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np
import soxr

from beam_audio.errors import ModelError, raise_machine_error
from beam_audio.segments.vad_graph import INPUT_SAMPLES, side_by_side, side_by_side_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

VAD_RATE_HZ: Final = 16_000
FRAME_SAMPLES: Final = 512

_CONTEXT_SAMPLES = INPUT_SAMPLES - FRAME_SAMPLES
_STATE_SHAPE = (1, 1, 128)
_MODEL_FILE = "silero_vad_16k_sequence.onnx"

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


@lru_cache(maxsize=1)
def _session() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """Load the model once per process; it always runs on one CPU thread."""
    try:
        import onnxruntime  # noqa: PLC0415 - optional: comes with an extra
    except ImportError as error:
        raise_machine_error(error, "cannot load onnxruntime")
        raise ModelError(
            "voice activity detection needs onnxruntime: pip install 'beam_audio[cpu]', "
            "or 'beam_audio[gpu]' on a machine with an NVIDIA GPU"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = resources.files("beam_audio").joinpath("data", _MODEL_FILE).read_bytes()
    return onnxruntime.InferenceSession(
        side_by_side_model(model), options, providers=["CPUExecutionProvider"]
    )


class SpeechDetector:
    """Speech probability of every frame of one 16 kHz stream, with the model's state carried along.

    The probabilities are the same, to the bit, for any blocks of the stream. Detectors are light:
    all detectors of a process share the loaded model.

    Raises:
        ModelError: onnxruntime is not installed.
    """

    def __init__(self) -> None:
        self._model = _session()
        self._hidden = np.zeros(_STATE_SHAPE, np.float32)
        self._cell = np.zeros(_STATE_SHAPE, np.float32)
        self._pending = StreamBuffer(np.float32)
        # The model takes each frame with the 64 samples before it.
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._pending = StreamBuffer(np.float32)
        self._next = 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take float32 (n,) at 16 kHz; return the probabilities of the frames that became ready.

        Frames become ready in groups, up to 4.1 s late, and the last frame of a stream only in
        :meth:`finish`.
        """
        self._pending.append(samples)
        ready: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
        while self._unread > _GROUP_SAMPLES:
            ready.append(self._run(_GROUP_SAMPLES))
        return np.concatenate(ready)

    def finish(self) -> NDArray[np.float32]:
        """Return the probabilities of all remaining frames, the last one padded with zeros."""
        missing = -self._unread % FRAME_SAMPLES
        self._pending.append(np.zeros(missing, np.float32))
        return self._run(self._unread) if self._unread else np.empty(0, np.float32)

    @property
    def _unread(self) -> int:
        return self._pending.stop - self._next

    def _run(self, count: int) -> NDArray[np.float32]:
        """Probabilities of the next ``count`` samples, whole frames."""
        if self._next == 0:
            self._warm_up()
        samples = self._pending.read(self._next, self._next + count)
        self._next += count
        self._pending.drop_before(self._next)
        return self._hear(samples)

    def _warm_up(self) -> None:
        margin = np.zeros(MARGIN_FRAMES * FRAME_SAMPLES, np.float32)
        beginning = self._pending.read(0, min(len(margin), self._pending.stop))
        margin[len(margin) - len(beginning) :] = beginning[::-1] * _MARGIN_GAIN
        self._hear(margin)

    def _hear(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        joined = np.concatenate((self._context, samples))
        frames = np.lib.stride_tricks.sliding_window_view(joined, INPUT_SAMPLES)[::FRAME_SAMPLES]
        self._context = joined[-_CONTEXT_SAMPLES:]
        inputs = {
            "frames": side_by_side(frames),
            "count": np.array([len(frames)]),
            "h": self._hidden,
            "c": self._cell,
        }
        outputs = ("speech_probs", "hn", "cn")
        probabilities: NDArray[np.float32]
        probabilities, self._hidden, self._cell = self._model.run(outputs, inputs)
        return probabilities


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
