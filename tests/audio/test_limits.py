"""Which formats the limits refuse."""

from __future__ import annotations

import pytest

from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import DecodeError, LimitError
from beam_audio.types import AudioFormat


def a_format(sample_rate_hz: int, channels: int) -> AudioFormat:
    return AudioFormat("pcm_s16", "wav", sample_rate_hz, channels, None)


@pytest.mark.parametrize(("sample_rate_hz", "channels"), [(1_000, 1), (8_000, 2), (768_000, 32)])
def test_usual_formats_pass(sample_rate_hz: int, channels: int) -> None:
    DecodeLimits().check_format(a_format(sample_rate_hz, channels))


@pytest.mark.parametrize(
    ("sample_rate_hz", "channels", "message"),
    [(999, 1, "999 Hz"), (768_001, 1, "768001 Hz"), (8_000, 33, "33 channels")],
)
def test_formats_beyond_a_limit_are_refused(
    sample_rate_hz: int, channels: int, message: str
) -> None:
    with pytest.raises(LimitError, match=message):
        DecodeLimits().check_format(a_format(sample_rate_hz, channels))


@pytest.mark.parametrize(("sample_rate_hz", "channels"), [(0, 1), (8_000, 0), (-1, 1)])
def test_a_header_without_rate_or_channels_is_no_audio(sample_rate_hz: int, channels: int) -> None:
    with pytest.raises(DecodeError, match="the header states"):
        DecodeLimits().check_format(a_format(sample_rate_hz, channels))
