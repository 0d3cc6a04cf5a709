"""Bytes behind the first stream of an Ogg, MP3 or FLAC, which a decoder may pass over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.audio.decoders.padding import is_padding
from beam_audio.audio.decoders.stated import bytes_at, mpeg_count

if TYPE_CHECKING:
    from beam_audio.audio.decoders.byte_source import ByteSource

_SEEN_BYTES: Final = 65_536
_BLOCK_BYTES: Final = 2**20
_FLAC_START: Final = b"fLaC\0\0\0\x22"
"""The mark of a FLAC, and the header of the first block behind it."""

_OGG_HEADER_BYTES: Final = 27
_OGG_LONGEST_HEADER_BYTES: Final = 282
_OGG_LAST_PAGE: Final = 4


def leftover_bytes(source: ByteSource, container: str) -> int:
    """How many bytes follow the first stream of an ``ogg``, ``mp3`` or ``flac``.

    Tags and padding do not count. An MP3 that counts no bytes, an Ogg without a last page and any
    other container have none.
    """
    if container == "ogg":
        end = _ogg_end(source)
    elif container == "mp3":
        count = mpeg_count(source)
        end = None if count is None else source.size_bytes - count.unread_bytes
    else:
        end = _second_flac(source) if container == "flac" else None
    if end is None or end >= source.size_bytes or is_padding(bytes_at(source, end, _SEEN_BYTES)):
        return 0
    return source.size_bytes - end


def _ogg_end(source: ByteSource) -> int | None:
    """The byte after the page that is marked as the last of the first stream."""
    place, first = 0, bytes_at(source, 14, 4)
    while True:
        header = bytes_at(source, place, _OGG_LONGEST_HEADER_BYTES)
        if len(header) < _OGG_HEADER_BYTES or not header.startswith(b"OggS"):
            return None
        sizes = header[_OGG_HEADER_BYTES : _OGG_HEADER_BYTES + header[26]]
        place += _OGG_HEADER_BYTES + len(sizes) + sum(sizes)
        if header[5] & _OGG_LAST_PAGE and header[14:18] == first:
            return place


def _second_flac(source: ByteSource) -> int | None:
    """Where a FLAC begins that is joined to the first."""
    overlap = len(_FLAC_START) - 1
    for start in range(1, source.size_bytes, _BLOCK_BYTES):
        found = bytes_at(source, start, _BLOCK_BYTES + overlap).find(_FLAC_START)
        if found >= 0:
            return start + found
    return None
