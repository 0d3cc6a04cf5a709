"""Tags and padding are not audio."""

from __future__ import annotations

import pytest

from beam_audio.audio.decoders.padding import is_padding


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
