"""Frames of FFmpeg as arrays, and FFmpeg's names and errors in the words of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from numpy.typing import NDArray

_PCM_BYTE_ORDERS = ("le", "be")
_SAMPLE_TYPES: Final[dict[str, Any]] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
_NUMBERED: Final = "Error number"
_ERRORS: Final = {
    "InvalidDataError": "the data are damaged or of another format",
    "EOFError": "the file ends in its header",
    "PatchWelcomeError": "FFmpeg does not know this variant of the format",
    "DecoderNotFoundError": "FFmpeg has no decoder for this codec",
}


def reason(error: Exception) -> str:
    """Say what went wrong, by name where FFmpeg only gives a number."""
    known = _ERRORS.get(type(error).__name__)
    said = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return known or (_ERRORS["InvalidDataError"] if said.startswith(_NUMBERED) else said)


def codec_name(stream: AudioStream) -> str:
    """The codec, without the byte order or number format of one implementation."""
    name = stream.codec_context.codec.name.removesuffix("float")  # the MP3 decoder is "mp3float"
    if name.startswith("pcm_"):
        for order in _PCM_BYTE_ORDERS:
            name = name.removesuffix(order)
    return name


def container_name(container: InputContainer) -> str:
    """The first name of the container's family; "mp4" for all that are like MP4."""
    family = container.format.name.split(",")[0]
    return "mp4" if family == "mov" else family


def samples_of(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Convert a frame of any sample format: float32 of shape (frames, channels), full scale 1.0."""
    channels, frames = frame.layout.nb_channels, frame.samples
    kind = _SAMPLE_TYPES[frame.format.name.removesuffix("p")]
    if frame.format.is_planar:
        # PyAV lists a ninth plane for eight channels, and reading it ends the process.
        planes = [
            np.frombuffer(memoryview(frame.planes[index]), kind, frames)
            for index in range(channels)
        ]
        stored = np.stack(planes, axis=1)
    else:
        stored = np.frombuffer(memoryview(frame.planes[0]), kind, frames * channels)
        stored = stored.reshape(-1, channels)
    with np.errstate(over="ignore", invalid="ignore"):  # doubles of damaged files
        samples: NDArray[np.float32] = np.array(stored, dtype=np.float32, order="C")
    if stored.dtype.kind == "u":
        samples = (samples - 128.0) / 128.0
    elif stored.dtype.kind == "i":
        samples *= np.float32(2.0 ** (1 - 8 * stored.dtype.itemsize))
    return samples
