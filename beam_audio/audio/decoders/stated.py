"""What headers state about the length of the audio, read from the bytes themselves.

FFmpeg does not say whether a length is stated or estimated, and libsndfile estimates that of MP3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beam_audio.audio.decoders.byte_source import ByteSource

_SEARCHED_BYTES: Final = 65_536
_MPEG_HZ: Final = (44_100, 48_000, 32_000)
_MPEG_1: Final = 3
_MPEG_VERSIONS: Final = {_MPEG_1: 0, 2: 1, 0: 2}
"""The two bits of MPEG 1, 2 and 2.5, and how often their rates are halved."""

_LAYER_MASK, _LAYER_III = 0xE6, 0xE2
"""In the byte after the first of a frame: the rest of the sync word, and the layer."""

_MONO: Final = 0xC0
_XING_FRAMES, _XING_BYTES = 1, 2
_DELAY_FRAMES: Final = 3
_ID3_HEADER_BYTES: Final = 10
_OGG_HEADER_BYTES: Final = 27
_OGG_LAST_PAGE: Final = 4
_OGG_LARGEST_PAGE: Final = 65_307


@dataclass(frozen=True, slots=True)
class MpegCount:
    """What the Xing, Info or VBRI header of an MP3 counts.

    Attributes:
        seconds: Length without the delay and padding of the encoder, at most three frames: a lower
            bound.
        held: How much of the bytes that it counts the file can hold, from 0 to 1.
        unread_bytes: Bytes of the file behind those that it counts.
    """

    seconds: float
    held: float
    unread_bytes: int


def mpeg_count(source: ByteSource) -> MpegCount | None:
    """What the first frame of an MP3 counts; None if it counts nothing."""
    start = after_id3(source)
    data = bytes_at(source, start, _SEARCHED_BYTES)
    place = data.find(b"\xff")
    while 0 <= place <= len(data) - 4:
        if data[place + 1] & _LAYER_MASK == _LAYER_III:
            return _count_in(data, place, source.size_bytes - start)
        place = data.find(b"\xff", place + 1)
    return None


def _count_in(data: bytes, place: int, available: int) -> MpegCount | None:
    """The count in the MPEG frame at ``place``; ``available`` bytes follow the tags."""
    version, rate_index = data[place + 1] >> 3 & 3, data[place + 2] >> 2 & 3
    if version not in _MPEG_VERSIONS or rate_index >= len(_MPEG_HZ):
        return None
    is_mono, is_mpeg1 = data[place + 3] >= _MONO, version == _MPEG_1
    rate_hz = _MPEG_HZ[rate_index] >> _MPEG_VERSIONS[version]
    side = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}
    count = size = 0
    xing = place + 4 + side[is_mpeg1, is_mono]
    if data[xing : xing + 4] in {b"Xing", b"Info"} and len(data) >= xing + 12:
        flags, frames, bytes_after = struct.unpack_from(">III", data.ljust(xing + 16), xing + 4)
        count = frames if flags & _XING_FRAMES else 0
        size = bytes_after if flags & _XING_BYTES and count else 0
    elif data[place + 36 : place + 40] == b"VBRI" and len(data) >= place + 54:
        size, count = struct.unpack_from(">II", data, place + 46)
    if not count:
        return None
    audible: int = max(0, count - _DELAY_FRAMES)
    seconds = audible * (1152 if is_mpeg1 else 576) / rate_hz
    if not size:
        return MpegCount(seconds, 1.0, 0)
    rest = available - place
    return MpegCount(seconds, min(1.0, rest / size), max(0, rest - size))


def after_id3(source: ByteSource) -> int:
    """The first byte behind the ID3v2 tags at the beginning."""
    start = 0
    while start < source.size_bytes:
        header = bytes_at(source, start, _ID3_HEADER_BYTES)
        if len(header) < _ID3_HEADER_BYTES or not header.startswith(b"ID3"):
            break
        size = 0
        for byte in header[6:]:
            size = size << 7 | byte & 0x7F
        start += _ID3_HEADER_BYTES + size
    return start


def matroska_seconds(source: ByteSource) -> float | None:
    """Length in the Info element of Matroska and WebM; None in a live recording."""
    data = bytes_at(source, 0, _SEARCHED_BYTES)
    info = data.find(b"\x15\x49\xa9\x66")
    if info < 0:
        return None
    data = data[info : info + 4096]
    scale_ns = 1_000_000
    place = data.find(b"\x2a\xd7\xb1")
    if place >= 0 and len(data) > place + 4:
        scale_ns = int.from_bytes(data[place + 4 : place + 4 + (data[place + 3] & 0x0F)], "big")
    for mark, layout in ((b"\x44\x89\x84", ">f"), (b"\x44\x89\x88", ">d")):
        place = data.find(mark)
        if place >= 0 and len(data) >= place + 3 + struct.calcsize(layout):
            (ticks,) = struct.unpack_from(layout, data, place + 3)
            seconds = float(ticks) * scale_ns / 1e9
            return seconds if 0 < seconds < float("inf") else None
    return None


def ogg_is_whole(source: ByteSource) -> bool:
    """Whether the last page of an Ogg file is complete and marked as the last of its stream."""
    tail_start = max(0, source.size_bytes - 2 * _OGG_LARGEST_PAGE)
    tail = bytes_at(source, tail_start, 2 * _OGG_LARGEST_PAGE)
    place = tail.rfind(b"OggS\0")
    if place < 0 or len(tail) < place + _OGG_HEADER_BYTES:
        return False
    segments = tail[place + 26]
    table = tail[place + _OGG_HEADER_BYTES : place + _OGG_HEADER_BYTES + segments]
    end = place + _OGG_HEADER_BYTES + segments + sum(table)
    return bool(tail[place + 5] & _OGG_LAST_PAGE) and len(table) == segments and end <= len(tail)


def bytes_at(source: ByteSource, offset: int, size: int) -> bytes:
    """Bytes at an offset; the position of the source stays."""
    position = source.tell()
    source.seek(offset)
    data = source.read(size)
    source.seek(position)
    return data
