"""Tags and padding are not audio."""

from __future__ import annotations

import pytest

from beam_audio.audio.decoders.padding import ends_in_tag, is_padding


@pytest.mark.parametrize(
    ("data", "holds"),
    [
        (b"", True),
        (bytes(1000), True),
        (b"TAG" + b"x" * 125, True),
        (b"APETAGEX....", True),
        (b"ID3\4\0\0\0\0\0\0", True),
        (b"\xff\xfb\x90\x64" + b"x" * 400, False),
        (b"RIFF....WAVE", False),
    ],
)
def test_padding_and_tags_are_recognised(data: bytes, *, holds: bool) -> None:
    assert is_padding(data) is holds


ID3V1 = b"TAG" + b"x" * 125
APE_FOOTER = b"APETAGEX" + bytes(24)


@pytest.mark.parametrize(
    ("tail", "holds"),
    [
        (b"", False),
        (bytes(160), False),
        (bytes(32) + ID3V1, True),
        (bytes(128) + APE_FOOTER, True),
        (APE_FOOTER + ID3V1, True),
        (APE_FOOTER + bytes(128), False),
        (b"TAG" + bytes(157), False),
    ],
)
def test_tags_at_the_end_are_recognised(tail: bytes, *, holds: bool) -> None:
    assert ends_in_tag(tail) is holds
