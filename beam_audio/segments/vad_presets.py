"""Settings of voice activity detection, and presets named after projects that use them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORTEST_MAX_SECONDS = 1.0
_PADS_IN_MAX = 4


@dataclass(frozen=True, slots=True)
class VadSettings:
    """How speech is detected, padded and cut.

    Attributes:
        threshold: Speech begins at a frame of at least this probability.
        release: Speech ends at a frame below this probability.
        min_speech_seconds: Shorter bursts are not speech.
        min_silence_seconds: Shorter silences do not end speech.
        pad_seconds: Kept before and after speech; two pads that would overlap meet in the middle.
        max_seconds: Longest segment, pads included.

    Raises:
        ConfigError: A value is out of range or contradicts another.
    """

    threshold: float = 0.5
    release: float = 0.35
    min_speech_seconds: float = 0.25
    min_silence_seconds: float = 0.3
    pad_seconds: float = 0.2
    max_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not 0 < self.release <= self.threshold <= 1:
            raise ConfigError(
                f"VAD threshold {self.threshold} and release {self.release}: "
                "they must hold 0 < release <= threshold <= 1"
            )
        for name in ("min_speech_seconds", "min_silence_seconds", "pad_seconds"):
            if not 0 <= getattr(self, name) <= self.max_seconds:
                raise ConfigError(
                    f"VAD {name} {getattr(self, name)}: it must lie between 0 and max_seconds "
                    f"({self.max_seconds})"
                )
        check_max_seconds(self.max_seconds, self.pad_seconds)


def check_max_seconds(max_seconds: float, pad_seconds: float) -> None:
    """Refuse a longest segment that pads would fill, or that leaves no room to look for a cut.

    Raises:
        ConfigError: ``max_seconds`` is under one second, under four pads, or not finite.
    """
    if not _SHORTEST_MAX_SECONDS <= max_seconds < float("inf"):
        raise ConfigError(
            f"longest segment of {max_seconds} s: it must be finite and at least "
            f"{_SHORTEST_MAX_SECONDS:g} s"
        )
    if max_seconds < _PADS_IN_MAX * pad_seconds:
        raise ConfigError(
            f"longest segment of {max_seconds} s with VAD pads of {pad_seconds} s: it must be at "
            "least four pads long; choose another --vad_preset or a model with a longer limit"
        )


VAD_PRESETS: Final[Mapping[str, VadSettings]] = MappingProxyType(
    {
        "default": VadSettings(),
        # faster-whisper 1.2.1, vad.py, VadOptions. Its maximum is infinite there and 30 s in its
        # batched pipeline, which also cuts at long silences first and joins neighbours up to 30 s.
        "faster-whisper": VadSettings(
            min_speech_seconds=0.0, min_silence_seconds=2.0, pad_seconds=0.4
        ),
        # whisperX, asr.py: vad_onset, vad_offset and chunk_size; no pads and no shortest lengths.
        # An approximation: its default detector is pyannote's, and a region over 30 s is cut at the
        # lowest probability of its second half.
        "whisperx": VadSettings(
            release=0.363, min_speech_seconds=0.0, min_silence_seconds=0.0, pad_seconds=0.0
        ),
        # NeMo Curator, stages/audio/segmentation/vad_segmentation.py; the release is Silero's own
        # rule, threshold - 0.15. It cuts at the longest silence before the maximum.
        "nemo-curator": VadSettings(
            min_speech_seconds=2.0, min_silence_seconds=0.5, pad_seconds=0.3, max_seconds=60.0
        ),
        # onnx-asr, models/silero.py: 250 ms of speech, 100 ms of silence and 20 s, all measured
        # with pads of 30 ms already on: 190 and 160 ms without them. It cuts at 20 s sharp.
        "onnx-asr": VadSettings(
            min_speech_seconds=0.19, min_silence_seconds=0.16, pad_seconds=0.03, max_seconds=20.0
        ),
    }
)
