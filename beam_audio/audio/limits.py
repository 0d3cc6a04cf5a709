"""Limits of decoding, checked against what a header claims and what is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.errors import DecodeError, LimitError

if TYPE_CHECKING:
    from beam_audio.types import AudioFormat


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is refused or cut off, whatever a header says.

    The defaults let a recording of 24 hours through in any usual form.

    Attributes:
        max_recording_seconds: Longest stretch decoded; what follows is left out, and said so.
        max_source_bytes: Largest encoded object. 64 GiB hold 24 hours of 96 kHz stereo in 32 bits.
        max_channels: Most channels; microphone arrays seldom have more than 32.
        min_sample_rate_hz: Lowest rate. Speech needs 8 kHz; a header that claims 1 Hz would turn
            a second of samples into hours.
        max_sample_rate_hz: Highest rate, that of the fastest converters.
    """

    max_recording_seconds: float = 86_400.0
    max_source_bytes: int = 64 * 2**30
    max_channels: int = 32
    min_sample_rate_hz: int = 1_000
    max_sample_rate_hz: int = 768_000

    def check_format(self, audio_format: AudioFormat) -> None:
        """Refuse a format outside the limits.

        Raises:
            DecodeError: Rate or channels are no positive number.
            LimitError: Rate or channels are beyond a limit.
        """
        rate, channels = audio_format.sample_rate_hz, audio_format.channels
        if rate <= 0 or channels <= 0:
            raise DecodeError(f"the header states {rate} Hz and {channels} channels")
        if channels > self.max_channels:
            raise LimitError(f"{channels} channels, more than the limit of {self.max_channels}")
        if not self.min_sample_rate_hz <= rate <= self.max_sample_rate_hz:
            raise LimitError(
                f"{rate} Hz, outside the limits of {self.min_sample_rate_hz} "
                f"to {self.max_sample_rate_hz} Hz"
            )
