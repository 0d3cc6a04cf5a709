"""An input from its reference to its bytes; anything that is wrong with it is one failure."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar, cast

from beam_audio.errors import (
    AccessError,
    BeamAudioError,
    ConfigError,
    DecodeError,
    InputError,
    LimitError,
    ModelError,
    is_refusal,
    raise_machine_error,
)
from beam_audio.unit.clock import StageClock, failure_of
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.scratch import scratch
from beam_audio.unit.spool_file import SpoolFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    from beam_audio.types import AudioRef, Failure

T = TypeVar("T")

Opener = Callable[["AudioRef", int], tuple[BinaryIO, str]]
"""Opens an input of so many bytes at most, as :func:`spool` does."""

_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An input with its encoded bytes in a local file, which is at its start."""

    ref: AudioRef
    file: BinaryIO
    content_sha256: str


def from_opened(
    ref: AudioRef,
    max_bytes: int,
    clock: StageClock,
    make: Callable[[Opened], Iterator[T]],
    opener: Opener | None = None,
) -> Iterator[T | Failure]:
    """Yield what is made of an input; a :class:`Failure` comes last if anything is wrong with it.

    Args:
        ref: The input.
        max_bytes: Larger inputs fail.
        clock: Where the time spent on reading is added up.
        make: Uses the bytes, which are there until it ends.
        opener: Does what :func:`spool` does, if it is given.

    Raises:
        ConfigError: A decoder is not installed, for example; no recording is at fault.
        ModelError: The voice detector cannot be loaded.
        MachineError: The machine is at fault: its disks, memory or network.
    """
    stage = "open"
    try:
        with clock.stage("open"):
            file, content_sha256 = (opener or spool)(ref, max_bytes)
        stage = "decode"
        with file:
            yield from make(Opened(ref, file, content_sha256))
    except (ConfigError, ModelError):
        raise
    except Exception as error:  # noqa: BLE001 - one bad recording costs itself only, whatever it does
        raise_machine_error(error, ref.uri)
        yield failure_of(ref, stage, error)


def spool(ref: AudioRef, max_bytes: int) -> tuple[BinaryIO, str]:
    """Copy an input's encoded bytes into a seekable file, and hash them once.

    Gzip is decompressed on the way, so that ``a.wav.gz`` has the content of ``a.wav``. What its
    size or its first block tell is told before anything is copied.

    Returns:
        A file at its start (in memory if small, else on disk) and the sha256.

    Raises:
        InputError: The input cannot be read.
        LimitError: It is larger than ``max_bytes``.
        DecodeError: It begins as no audio does.
        MachineError: Temporary files cannot be written, or the machine fails at reading.
    """
    if ref.size_bytes > max_bytes:
        raise _too_large(max_bytes)
    with scratch():
        spooled = cast("BinaryIO", SpoolFile())
    try:
        if ref.inline is not None:
            content_sha256 = _copy(ref, io.BytesIO(ref.inline), spooled, max_bytes)
        else:
            # Beam; what is opened already needs none
            from beam_audio import store  # noqa: PLC0415
            from beam_audio.inputs.formats.located import located  # noqa: PLC0415

            with store.open_input(located(ref)) as source:
                content_sha256 = _copy(ref, store.unpacked(source), spooled, max_bytes)
        with scratch():
            spooled.seek(0)
    except BaseException as error:
        _discard(spooled)
        if not isinstance(error, Exception) or isinstance(error, BeamAudioError):
            raise
        what = f"cannot read {ref.uri!r}"
        raise_machine_error(error, what)
        kind = AccessError if is_refusal(error) else InputError
        raise kind(f"{what}: {error}") from error
    return spooled, content_sha256


def _discard(spooled: BinaryIO) -> None:
    """Close a file whose content is not needed; on a full disk even that fails."""
    with suppress(OSError):
        spooled.close()


def _copy(
    ref: AudioRef, source: BinaryIO | BufferedIOBase, target: BinaryIO, max_bytes: int
) -> str:
    digest = hashlib.sha256()
    with PROGRESS.copying(ref.size_bytes) as copy:
        while chunk := source.read(_READ_BYTES):
            if not copy.copied_bytes:
                _require_beginning(chunk)
            digest.update(chunk)
            with scratch():
                target.write(chunk)
            copy.copied_bytes += len(chunk)
            if copy.copied_bytes > max_bytes:
                raise _too_large(max_bytes)
    return digest.hexdigest()


def _too_large(max_bytes: int) -> LimitError:
    return LimitError(f"larger than --max_source_bytes={max_bytes}; raise the limit to read it")


def _require_beginning(block: bytes) -> None:
    """Refuse a first block of one byte repeated: decoders search no further for a beginning.

    An image of an empty disk is refused so before gigabytes of it are copied. Less than a block of
    zeros may come before an MP3.

    Raises:
        DecodeError: It is such a block.
    """
    if len(block) == _READ_BYTES and not block.strip(block[:1]):
        raise DecodeError(f"not audio: its first {len(block)} bytes are all {block[0]:#04x}")
