"""Bytes in an audio file that are not audio: tags and padding."""

from __future__ import annotations

from typing import Final

_TAGS: Final = (b"TAG", b"ID3", b"3DI", b"APETAGEX", b"LYRICSBEGIN", b"LYRICS200")
_FILLERS: Final = b"\0\xff \r\n"


def is_padding(data: bytes) -> bool:
    """Whether bytes are a tag, or filling that holds nothing."""
    return data.startswith(_TAGS) or not data.strip(_FILLERS)
