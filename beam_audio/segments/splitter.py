"""Cut a recording into segments: around speech, by voice activity detection, or in fixed windows.

Positions are whole samples at the source's own rate. :class:`Splitter` streams a recording in
bounded memory. Its segments do not depend on the blocks in which the recording comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from beam_audio.errors import ConfigError, InputError
from beam_audio.segments.cuts import Cutter, Piece, SpeechCutter, Stretch, WindowCutter
from beam_audio.segments.noise import NoiseFloor
from beam_audio.segments.quietest import Energies
from beam_audio.segments.speech import SpeechFinder
from beam_audio.segments.vad import VAD_RATE_HZ, StreamBuffer, VadInput
from beam_audio.segments.vad_presets import VAD_PRESETS, VadSettings, check_max_seconds
from beam_audio.types import Audio, Segment, stable_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "VAD_PRESETS",
    "SegmentSettings",
    "Splitter",
    "VadSettings",
    "split",
]

_LOWEST_RATE_HZ = 100
_SHORTEST_WINDOW_SECONDS = 1.0
_SHORTEST_STEP_SECONDS = 0.1
_STEP_SAMPLES = 2**16
"""Audio is looked at in steps of up to this length, in whole seconds: long, so that calls cost
little, and within a processor's cache."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How recordings are cut.

    Attributes:
        segmenter: ``vad`` cuts around speech and leaves silence out; ``fixed`` covers everything.
        vad: Detection of speech, for both segmenters; only ``vad`` uses its pads and lengths.
        window_seconds: Length of a fixed window.
        overlap_seconds: Seconds a fixed window shares with the one before it.
        max_seconds: Longest segment the model accepts.

    Raises:
        ConfigError: A value is out of range or contradicts another; the flag is named.
    """

    segmenter: Literal["vad", "fixed"] = "vad"
    vad: VadSettings = VAD_PRESETS["default"]
    window_seconds: float = 30.0
    overlap_seconds: float = 0.0
    max_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.segmenter not in {"vad", "fixed"}:
            raise ConfigError(f"--segmenter={self.segmenter}: choose vad or fixed")
        if self.segmenter == "vad":
            check_max_seconds(self.longest_seconds, self.vad.pad_seconds)
        else:
            self._check_windows()

    def _check_windows(self) -> None:
        window, overlap = self.window_seconds, self.overlap_seconds
        if not _SHORTEST_WINDOW_SECONDS <= window < float("inf"):
            raise ConfigError(
                f"--window_seconds={window}: it must be finite and at least "
                f"{_SHORTEST_WINDOW_SECONDS:g}"
            )
        if window > self.max_seconds:
            raise ConfigError(
                f"--window_seconds={window}: the model takes at most {self.max_seconds:g} seconds; "
                f"use --window_seconds={self.max_seconds:g} or less"
            )
        step = round(window - overlap, 6)  # 1.4 - 1.3 is below 0.1 in binary
        if not (overlap >= 0 and step >= _SHORTEST_STEP_SECONDS):
            raise ConfigError(
                f"--overlap_seconds={overlap}: it must lie between 0 and --window_seconds "
                f"({window:g}) less {_SHORTEST_STEP_SECONDS:g}"
            )

    @property
    def longest_seconds(self) -> float:
        """Longest segment under ``vad``: the shorter of its own maximum and the model's."""
        return min(self.vad.max_seconds, self.max_seconds)

    def canonical(self) -> dict[str, Any]:
        """Return everything that decides segments and their speech, as JSON values for ids."""
        speech = {
            "threshold": float(self.vad.threshold),
            "release": float(self.vad.release),
            "min_speech_seconds": float(self.vad.min_speech_seconds),
            "min_silence_seconds": float(self.vad.min_silence_seconds),
        }
        if self.segmenter == "vad":
            cut = {
                "pad_seconds": float(self.vad.pad_seconds),
                "longest_seconds": float(self.longest_seconds),
            }
        else:
            cut = {
                "window_seconds": float(self.window_seconds),
                "overlap_seconds": float(self.overlap_seconds),
            }
        return {"segmenter": self.segmenter, **speech, **cut}


class Splitter:
    """Cuts one channel of one recording, given block by block, into segments.

    It holds no more audio than two of the longest segments and some seconds: a segment comes when
    the noise after it is known.

    Args:
        recording_id: Part of the segments and of their ids.
        channel: Channel of the recording, None for a mix.
        sample_rate_hz: Rate of the blocks.
        settings: How to cut.

    Raises:
        InputError: The sample rate is under 100 Hz, or a block is not one channel.
        ModelError: onnxruntime is not installed.
    """

    def __init__(
        self,
        *,
        recording_id: str,
        channel: int | None,
        sample_rate_hz: int,
        settings: SegmentSettings,
    ) -> None:
        if sample_rate_hz < _LOWEST_RATE_HZ:
            raise InputError(
                f"sample rate of {sample_rate_hz} Hz: no speech fits under {_LOWEST_RATE_HZ} Hz; "
                "check the header or resample the recording"
            )
        self._recording_id = recording_id
        self._channel = channel
        self._rate = sample_rate_hz
        self._canonical = settings.canonical()
        self._input = VadInput(sample_rate_hz)
        self._speech = SpeechFinder(sample_rate_hz, settings.vad)
        self._energies = Energies(sample_rate_hz)
        self._cutter = _cutter(settings, sample_rate_hz, self._energies)
        self._samples = StreamBuffer(np.float32)
        self._step = max(1, _STEP_SAMPLES // max(sample_rate_hz, VAD_RATE_HZ)) * sample_rate_hz
        self._heard = 0
        self._noise = NoiseFloor(sample_rate_hz)
        self._waiting: deque[Segment] = deque()
        self._speech_samples = 0
        self._index = 0
        self._needed_from = 0

    @property
    def needed_from(self) -> int:
        """The first sample that a segment which has not come yet may contain."""
        return self._needed_from

    @property
    def decoded_samples(self) -> int:
        """Samples taken so far."""
        return self._samples.stop

    @property
    def speech_samples(self) -> int:
        """Samples marked as speech so far, inside segments or not, without pads."""
        return self._speech_samples

    def push(self, block: NDArray[np.float32]) -> list[Segment]:
        """Take the next samples, float32 (n,), and return the segments they completed, in order."""
        if block.ndim != 1:
            raise InputError(
                f"audio of shape {block.shape}: segments are cut from one channel, shape (n,); "
                "mix the channels or split them first"
            )
        segments: list[Segment] = []
        while len(block):
            part = block[: self._heard + self._step - self._samples.stop]
            self._samples.append(part)
            block = block[len(part) :]
            if self._samples.stop == self._heard + self._step:
                self._hear()
                segments += self._take(self._speech.decided, ended=False)
        return segments

    def finish(self) -> list[Segment]:
        """Return the remaining segments; the recording ends here."""
        self._hear()
        converted = self._input.finish()
        self._energies.push(converted)
        self._mark(self._speech.finish(converted, self.decoded_samples))
        return self._take(self.decoded_samples, ended=True)

    def _hear(self) -> None:
        """Look for noise and speech in what has come since the last time."""
        part = self._samples.read(self._heard, self._samples.stop)
        self._heard = self._samples.stop
        self._noise.push(part)
        converted = self._input.push(part)
        self._energies.push(converted)
        self._mark(self._speech.push(converted))

    def _mark(self, speech: list[Stretch]) -> None:
        for start, end in speech:
            self._cutter.mark(start, end)
            self._noise.mark(start, end)
            self._speech_samples += end - start

    def _take(self, decided: int, *, ended: bool) -> list[Segment]:
        """Cut what is certain, and return the segments whose surroundings are known."""
        self._waiting += [self._segment(each) for each in self._cutter.take(decided, ended=ended)]
        needed = self._cutter.needed_from(decided)
        self._samples.drop_before(needed)
        self._energies.drop_before(needed)
        ready: list[Segment] = []
        while self._waiting and (
            ended or self._waiting[0].end_sample + self._noise.after_samples <= decided
        ):
            segment = self._waiting.popleft()
            floor = self._noise.power(segment.start_sample, segment.end_sample)
            ready.append(replace(segment, noise_power=floor))
        self._needed_from = self._waiting[0].start_sample if self._waiting else needed
        self._noise.drop_before(self._needed_from)
        return ready

    def _segment(self, piece: Piece) -> Segment:
        index = self._index
        self._index += 1
        return Segment(
            recording_id=self._recording_id,
            segment_id=stable_id(
                "segment", self._recording_id, piece.start, piece.end, self._canonical
            ),
            segment_index=index,
            channel=self._channel,
            sample_rate_hz=self._rate,
            start_sample=piece.start,
            end_sample=piece.end,
            core_start_sample=piece.core_start,
            core_end_sample=piece.core_end,
            speech=piece.speech,
            samples=self._samples.read(piece.start, piece.end),
        )


def _cutter(settings: SegmentSettings, rate: int, energies: Energies) -> Cutter:
    if settings.segmenter == "vad":
        return SpeechCutter(
            pad=round(settings.vad.pad_seconds * rate),
            longest=_whole_samples(settings.longest_seconds, rate),
            quietest=energies.quietest,
        )
    window = _whole_samples(settings.window_seconds, rate)
    return WindowCutter(window=window, step=window - round(settings.overlap_seconds * rate))


def _whole_samples(seconds: float, rate: int) -> int:
    """The most source samples that last at most ``seconds`` when resampled to 16 kHz."""
    return int(seconds * VAD_RATE_HZ) * rate // VAD_RATE_HZ


def split(audio: Audio, settings: SegmentSettings | None = None) -> list[Segment]:
    """Cut audio in memory into segments.

    Args:
        audio: One channel, samples float32 (n,).
        settings: How to cut; by default VAD with the default preset.

    Raises:
        InputError: The audio has more than one channel or an impossible rate.
        ModelError: onnxruntime is not installed.
    """
    splitter = Splitter(
        recording_id=audio.recording_id,
        channel=audio.channel,
        sample_rate_hz=audio.sample_rate_hz,
        settings=settings or SegmentSettings(),
    )
    return splitter.push(audio.samples) + splitter.finish()
