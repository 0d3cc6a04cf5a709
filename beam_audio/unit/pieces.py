"""What a person hands over as audio, decoded and mixed, a piece after the other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from beam_audio.audio.decode import Resampler
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import InputError
from beam_audio.types import Audio
from beam_audio.unit.opened_source import opened_source
from beam_audio.unit.prepare import open_stream
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Source = str | os.PathLike[str] | bytes | BinaryIO | Audio | NDArray[np.floating]

PIECE_SECONDS: Final = 60
_REST_SECONDS: Final = 1
"""What is left at the end is heard with the piece before it, unless it is longer than this."""
_IN_THIS_PROCESS: Final = PrepareSettings(isolate_decoding=False)


def pieces(source: Source, to_hz: int, rate_hz: int | None = None) -> Iterator[NDArray[np.float32]]:
    """The mixed samples of a source, a minute at a time, the last with up to a second more.

    If it ends early, a :class:`UserWarning` says so.

    Args:
        source: What :func:`beam_audio.unit.classification.classify` takes.
        to_hz: The rate of the pieces.
        rate_hz: Rate of ``source`` when it is samples; not given otherwise.

    Yields:
        float32 of shape (n,).

    Raises:
        InputError: The source does not exist or cannot be read, or its rate is missing.
        DecodeError: No decoder makes audio of it.
        LimitError: It is larger or longer than the limits of ``beam-audio run``.
    """
    resampler: Resampler | None = None
    held: list[NDArray[np.float32]] = []
    for block, from_hz in _blocks(source, rate_hz):
        resampler = resampler or Resampler(from_hz, to_hz)
        held.append(resampler.push(block))
        while sum(map(len, held)) >= (PIECE_SECONDS + _REST_SECONDS) * to_hz:
            joined = np.concatenate(held)
            yield joined[: PIECE_SECONDS * to_hz]
            held = [joined[PIECE_SECONDS * to_hz :]]
    rest = np.concatenate([*held, resampler.finish()]) if resampler else np.zeros(0, np.float32)
    if len(rest):
        yield rest


def _blocks(source: Source, rate_hz: int | None) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Mixed samples of a source and their rate, block by block."""
    if isinstance(source, np.ndarray):
        if rate_hz is None:
            raise InputError("samples have no rate of their own: pass sample_rate_hz=")
        yield from _split(source, rate_hz)
    elif rate_hz is not None:
        raise InputError("sample_rate_hz= is for samples; everything else states its own rate")
    elif isinstance(source, Audio):
        yield from _split(source.samples, source.sample_rate_hz)
    else:
        yield from _decoded(source)


def _split(
    samples: NDArray[np.floating], rate_hz: int
) -> Iterator[tuple[NDArray[np.float32], int]]:
    step = PIECE_SECONDS * rate_hz
    for start in range(0, len(samples), step):
        yield samples[start : start + step].astype(np.float32), rate_hz


def _decoded(
    source: str | os.PathLike[str] | bytes | BinaryIO,
) -> Iterator[tuple[NDArray[np.float32], int]]:
    with (
        opened_source(source, _IN_THIS_PROCESS.limits.max_source_bytes) as opened,
        open_stream(opened, _IN_THIS_PROCESS, None) as stream,
    ):
        mixer = Mixer("mix", stream.format, stream.decoder)
        for block in stream.blocks():
            for each in mixer.push(block):
                yield each.signals[None], stream.format.sample_rate_hz
        for each in mixer.finish():
            yield each.signals[None], stream.format.sample_rate_hz
        if stream.truncation is not None:
            warnings.warn(f"heard in part: {stream.truncation}", stacklevel=4)
