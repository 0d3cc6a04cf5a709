"""What the header of a WAV states about its samples, read from the bytes themselves."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.audio.decoders.extent import riff_chunks
from beam_audio.audio.decoders.stated import bytes_at

if TYPE_CHECKING:
    from beam_audio.audio.decoders.byte_source import ByteSource

_PCM: Final = 1
_FLOAT: Final = 3
_EXTENSIBLE: Final = 0xFFFE
_CODECS: Final = {
    (_PCM, 8): "pcm_u8",
    (_PCM, 16): "pcm_s16",
    (_PCM, 24): "pcm_s24",
    (_PCM, 32): "pcm_s32",
    (_FLOAT, 32): "pcm_f32",
    (_FLOAT, 64): "pcm_f64",
}
_FORMAT: Final = struct.Struct("<HHIIHH")
_SUBFORMAT_AT: Final = 24


@dataclass(frozen=True, slots=True)
class WavHeader:
    """The chunks ``fmt`` and ``data`` of a WAV.

    Attributes:
        codec: How samples are written; None if it is not as plain numbers.
        frames: Frames that the size of the samples amounts to; None if it is left open.
    """

    codec: str | None
    frames: int | None


def wav_header(source: ByteSource) -> WavHeader | None:
    """Read the header of a WAV; None if it has no samples, or no format before them."""
    codec, frame_bytes = None, 0
    for name, start, size in riff_chunks(source):
        if name == b"fmt ":
            data = bytes_at(source, start, _SUBFORMAT_AT + 2)
            if len(data) < _FORMAT.size:
                return None
            tag, _, _, _, frame_bytes, bits = _FORMAT.unpack_from(data)
            if tag == _EXTENSIBLE:
                tag = int.from_bytes(data[_SUBFORMAT_AT:], "little")
            codec = _CODECS.get((tag, bits))
        elif name == b"data":
            known = size is not None and frame_bytes > 0
            return WavHeader(codec, size // frame_bytes if size is not None and known else None)
    return None
