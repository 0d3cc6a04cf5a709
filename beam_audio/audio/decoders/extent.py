"""Where a container says that it ends, against where its file ends.

A file cut off ends before its container does. A file joined to another, or a header whose size was
never corrected, leaves bytes that no reader looks at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.audio.decoders.padding import is_padding
from beam_audio.audio.decoders.stated import bytes_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.audio.decoders.byte_source import ByteSource

_STARTS: Final = frozenset(
    {b"RIFF", b"RIFX", b"RF64", b"FORM", b"ftyp", b"fLaC", b"OggS", b"caff", b"riff"}
)
"""Chunks of these names begin another file."""

_BOXES: Final = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"meta", b"udta"}
    | {b"free", b"skip", b"wide", b"uuid", b"prft", b"emsg", b"pdin", b"pnot", b"junk"}
)
"""Boxes of MP4 and MOV outside all others."""

_OPEN_32_BITS: Final = 0x7FFF0000
"""Recorders write larger 32-bit sizes while they do not know the size; they state nothing."""

_UNNOTICED_BYTES: Final = 256
"""Up to this many bytes after the end are taken for padding."""

_LEAST_SAMPLES_BYTES: Final = 65_536
_PADDING_SEEN_BYTES: Final = 65_536
_W64_RIFF: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_EBML_SEGMENT: Final = b"\x18\x53\x80\x67"
_SEGMENT_SEARCHED_BYTES: Final = 4096
_BOX_HEADER_BYTES: Final = 8
_LONG_BOX_HEADER_BYTES: Final = 16
_AU_HEADER_BYTES: Final = 24
_MOST_CHUNKS: Final = 100_000
"""Fragmented MP4 has two chunks for each fragment, some 40,000 in a day."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The bytes of a container.

    Attributes:
        end: The byte after its last one; None if it does not say. It may lie beyond the file.
        size_bytes: Size of the file.
        unread: Bytes after the end that are neither tags nor padding.
        open_at: Where the size of the samples is written, if it is so far too small that samples
            must follow it; None otherwise.
    """

    end: int | None
    size_bytes: int
    unread: int
    open_at: int | None = None

    @property
    def held(self) -> float:
        """How much of the container the file holds, from 0 to 1."""
        return min(1.0, self.size_bytes / self.end) if self.end else 1.0

    def problem(self) -> str | None:
        """What is wrong with it; None if nothing is."""
        if self.end is not None and self.end > self.size_bytes:
            return f"the container states {self.end} bytes, and the file has {self.size_bytes}"
        if self.unread:
            return f"{self.unread} bytes after the end that the header states are not read"
        return None


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a container of chunks writes them.

    Attributes:
        first: Offset of the first chunk.
        name_bytes: Length of a chunk's name.
        size_bytes: Length of a chunk's size.
        order: Byte order of sizes.
        align: Chunks start at multiples of this.
        open_size: A chunk of this size or more ends with the file.
        counts_header: Whether the size includes name and size.
    """

    first: int
    name_bytes: int
    size_bytes: int
    order: Literal["little", "big"]
    align: int
    open_size: int = 1 << 63
    counts_header: bool = False
    data: frozenset[bytes] = frozenset({b"data", b"SSND"})


_RIFF: Final = _Layout(12, 4, 4, "little", 2, _OPEN_32_BITS)
_IFF: Final = _Layout(12, 4, 4, "big", 2, _OPEN_32_BITS)
_LAYOUTS: Final = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"RIFX": _IFF,
    b"FORM": _IFF,
    b"caff": _Layout(8, 4, 8, "big", 1),
}
_W64: Final = _Layout(40, 16, 8, "little", 8, counts_header=True)


def extent_of(source: ByteSource) -> Extent:
    """Where the container of a file ends; containers that do not say so end with the file."""
    end = _end(source)
    unread = 0
    if end is not None and end < source.size_bytes:
        rest = source.size_bytes - end
        if rest > _UNNOTICED_BYTES and not _is_padding(source, end):
            unread = rest
    return Extent(end, source.size_bytes, unread, _understated_at(source, unread))


def _end(source: ByteSource) -> int | None:
    head = bytes_at(source, 0, _AU_HEADER_BYTES)
    if head[4:8] == b"ftyp":
        return _end_of_boxes(source)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _end_of_segment(source)
    if head.startswith(b".snd"):
        offset, size = (int.from_bytes(head[at : at + 4], "big") for at in (4, 8))
        return offset + size if 0 < size < _OPEN_32_BITS else None
    layout = _W64 if head.startswith(_W64_RIFF) else _LAYOUTS.get(head[:4])
    return None if layout is None else _end_of_chunks(source, layout)


def _understated_at(source: ByteSource, unread: int) -> int | None:
    """Where a WAV states a size of samples that is smaller than what follows them.

    Sizes beyond 4 GiB wrap, and recorders that are stopped leave the size of the first seconds.
    Bytes that are few, or fewer than the samples before them, may be anything.
    """
    if not unread or bytes_at(source, 0, 4) != b"RIFF":
        return None
    for name, start, size in riff_chunks(source):
        if name == b"data" and size is not None:
            least = max(size, _LEAST_SAMPLES_BYTES)
            return start - 4 if unread >= least and not _is_file(source, start + size) else None
    return None


def _is_file(source: ByteSource, start: int) -> bool:
    """Whether another file begins here, or after a byte of padding."""
    head = bytes_at(source, start, 5)
    return head[:4] in _STARTS or head[1:] in _STARTS


def _end_of_chunks(source: ByteSource, layout: _Layout) -> int | None:
    """Follow the chunks to the last one that the file can hold."""
    end: int | None = None
    for name, start, size in _chunks(source, layout):
        is_data = name[:4] in layout.data
        if is_data and size is None:
            return None
        if size is None or name[:4] in _STARTS or not name[:4].isascii():
            break
        if start + size > source.size_bytes and not is_data:
            break
        end = start + size
    return end


def riff_chunks(source: ByteSource) -> Iterator[tuple[bytes, int, int | None]]:
    """Name, first byte of the content and size of each chunk of a WAV; None for an open size."""
    return _chunks(source, _RIFF)


def _chunks(source: ByteSource, layout: _Layout) -> Iterator[tuple[bytes, int, int | None]]:
    """Name, first byte of the content and size of each chunk; None for a size left open."""
    place = layout.first
    header_bytes = layout.name_bytes + layout.size_bytes
    open_size = layout.open_size
    for _ in range(_MOST_CHUNKS):
        header = bytes_at(source, place, header_bytes)
        if len(header) < header_bytes or not header[:4].replace(b" ", b"a").isalnum():
            return
        size = int.from_bytes(header[layout.name_bytes :], layout.order)
        start = place + header_bytes
        if layout.counts_header:
            size -= header_bytes
        if size < 0:
            return
        yield header[: layout.name_bytes], start, size if size < open_size else None
        place = start + size + -(start + size) % layout.align


def _end_of_boxes(source: ByteSource) -> int | None:
    """Follow the boxes of MP4 up to a second ``ftyp`` or what is no box."""
    place = 0
    for _ in range(_MOST_CHUNKS):
        header = bytes_at(source, place, _LONG_BOX_HEADER_BYTES)
        size, name = int.from_bytes(header[:4], "big"), header[4:8]
        if len(header) < _BOX_HEADER_BYTES or name not in _BOXES or (place and name == b"ftyp"):
            return place
        if size == 0:
            return None
        if size == 1:
            size = int.from_bytes(header[8:], "big")
        if size < _BOX_HEADER_BYTES:
            return place
        place += size
        if place >= source.size_bytes:
            return place
    return None


def _end_of_segment(source: ByteSource) -> int | None:
    """Where the Segment of Matroska ends; None for one of unknown size, as live ones have it."""
    data = bytes_at(source, 0, _SEGMENT_SEARCHED_BYTES)
    place = data.find(_EBML_SEGMENT) + len(_EBML_SEGMENT)
    if place < len(_EBML_SEGMENT) or place >= len(data) or not data[place]:
        return None
    length = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + length], "big") & (1 << 7 * length) - 1
    return None if value == (1 << 7 * length) - 1 else place + length + value


def _is_padding(source: ByteSource, start: int) -> bool:
    return is_padding(bytes_at(source, start, _PADDING_SEEN_BYTES))
