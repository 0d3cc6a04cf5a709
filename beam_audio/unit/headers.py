"""The length that a header states. A child process reads it, and no more than it needs."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from beam_audio import store
from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.served_file import ServedFile
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.errors import raise_machine_error
from beam_audio.unit.content import spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.audio.limits import DecodeLimits
    from beam_audio.types import AudioRef

_BLOCK_SECONDS: Final = 0.1


class HeaderSettings(Protocol):
    """What decides which headers are read."""

    @property
    def limits(self) -> DecodeLimits:
        """Decoding limits."""

    @property
    def rare_containers(self) -> tuple[str, ...]:
        """Rare containers that are read, too."""


def header_request(settings: HeaderSettings) -> DecodeRequest:
    """How headers are read with these settings: of the audio, a moment is enough."""
    return DecodeRequest(
        limits=settings.limits,
        block_seconds=_BLOCK_SECONDS,
        rare_containers=settings.rare_containers,
    )


def header_seconds(ref: AudioRef, request: DecodeRequest) -> float | None:
    """Length that a file's header states; None if it cannot be read or holds no audio.

    Raises:
        MachineError: The machine is at fault, or the store does not answer.
    """
    try:
        with (
            _opened(ref, request.limits.max_source_bytes) as file,
            IsolatedStream(file, request) as stream,
        ):
            claimed = stream.credible_seconds
    except Exception as error:  # noqa: BLE001 - whatever the store's client raises
        raise_machine_error(error, ref.uri)
        return None
    if claimed is None:
        return None
    longest = request.limits.max_recording_seconds
    return max(0.0, min(claimed, longest) - (ref.offset_seconds or 0.0))


@contextlib.contextmanager
def _opened(ref: AudioRef, max_bytes: int) -> Iterator[BinaryIO | ServedFile]:
    """An input's bytes for a child; those of gzip are decompressed first, as a run does."""
    with store.open_input(ref) as file:
        if file.read(len(store.GZIP_MAGIC)) != store.GZIP_MAGIC:
            if isinstance(getattr(file, "raw", file), io.FileIO):
                yield file
                return
            with ServedFile(file) as served:
                yield served
            return
    unpacked, _ = spool(ref, max_bytes)
    with unpacked:
        yield unpacked
