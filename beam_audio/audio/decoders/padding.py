"""Bytes in an audio file that are not audio: tags and padding."""

from __future__ import annotations

from typing import Final

_TAGS: Final = (b"TAG", b"ID3", b"3DI", b"APETAGEX", b"LYRICSBEGIN", b"LYRICS200")
_ID3V1_BYTES: Final = 128
_APE_FOOTER_BYTES: Final = 32
TAIL_BYTES: Final = _ID3V1_BYTES + _APE_FOOTER_BYTES
"""How much of the end of a file shows whether tags are there."""
_FILLERS: Final = b"\0\xff \r\n"


def is_padding(data: bytes) -> bool:
    """Whether bytes are a tag, or filling that holds nothing."""
    return data.startswith(_TAGS) or not data.strip(_FILLERS)


def ends_in_tag(tail: bytes) -> bool:
    """Whether the last bytes of a file are those of an ID3v1 or an APE tag."""
    before = tail[:-_ID3V1_BYTES] if tail[-_ID3V1_BYTES:].startswith(b"TAG") else tail
    return before is not tail or before[-_APE_FOOTER_BYTES:].startswith(b"APETAGEX")
