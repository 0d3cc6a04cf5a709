"""A recording as blocks of samples, or what is made of them, decoded in a child process."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.decoding_child import (
    ChildLimits,
    DecoderKilled,
    decoding_child,
    end_idle,
)
from beam_audio.audio.isolated.messages import End, Head, Part
from beam_audio.errors import DecoderCrash, DecoderHang, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.request import DecodeRequest
    from beam_audio.audio.isolated.decoding_child import DecodingChild
    from beam_audio.audio.isolated.served_file import ServedFile
    from beam_audio.errors import BeamAudioError
    from beam_audio.types import AudioFormat

    Said = Generator[Head | NDArray[np.float32] | Part | End]

_LIMITS: Final = ChildLimits()


def _decoded(limits: ChildLimits, work: str, decode: Callable[[DecodingChild], Said]) -> Said:
    """Yield what :meth:`DecodingChild.decode` yields, from a second child where the first ended."""
    yielded = 0
    for is_second in (False, True):
        with (
            decoding_child(limits, work, fresh=is_second) as child,
            closing(decode(child)) as parts,
        ):
            was_fresh = child.is_fresh
            try:
                for number, part in enumerate(parts):
                    if number == yielded:
                        yielded += 1
                        yield part
            except (DecoderCrash, DecoderHang):
                if was_fresh:
                    raise
            except DecoderKilled as killed:
                if is_second:
                    raise MachineError(f"{killed}, twice; is there too little memory?") from killed
                end_idle()
            else:
                return


class IsolatedStream:
    """Does what :class:`~beam_audio.audio.decoders.stream.AudioStream` does, and dies of no file.

    A file is at fault for the end of its child only if that child has decoded nothing else before:
    what an earlier file broke or leaked is not its fault. Otherwise, and where somebody else ended
    the child, the file is decoded again by a fresh one. The blocks that were yielded before are not
    yielded again.

    Args:
        file: A seekable file with a descriptor of its own, whose position is left alone, or one
            that is served to the child. The caller closes it, after the stream.
        request: How it is to be decoded.
        name: What messages call it.
        limits: What the child may take.
        work: Name of the module that makes something of the stream in the child, as
            :mod:`beam_audio.audio.isolated.program` says. Only with one is there :meth:`parts`.

    Raises:
        DecoderCrash: The file ends the process that decodes it, or takes too much memory.
        DecoderHang: The decoder does not get on.
        MachineError: The process was ended from outside, twice, or cannot run.
        BeamAudioError: What ``AudioStream`` and the work raise.
    """

    def __init__(
        self,
        file: BinaryIO | ServedFile,
        request: DecodeRequest,
        name: str = "this file",
        limits: ChildLimits = _LIMITS,
        work: str = "",
    ) -> None:
        self.truncation: BeamAudioError | None = None
        self.reasons: set[str] = set()
        self.concealed_seconds = 0.0
        self._order: object = None
        self._parts = _decoded(
            limits,
            work,
            lambda child: child.decode(file.fileno(), request, name, lambda: self._order),
        )
        head = next(self._parts)
        if not isinstance(head, Head):
            raise TypeError("a recording begins with its head")
        self.format: AudioFormat = head.format
        self.decoder = head.decoder
        self.track_count = head.track_count
        self.credible_seconds = head.credible_seconds

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the audio once, as ``AudioStream.blocks`` does; raises what this class raises."""
        for part in self._parts:
            if isinstance(part, End):
                self._end(part)
            elif not isinstance(part, Head | Part):
                yield part

    def parts(self, order: object) -> Iterator[Part]:
        """Yield what the work makes of the audio by an order, once; raises what this class raises.

        Args:
            order: A value of JSON.
        """
        self._order = order
        for part in self._parts:
            if isinstance(part, End):
                self._end(part)
            elif isinstance(part, Part):
                yield part

    def _end(self, end: End) -> None:
        self.decoder, self.truncation = end.decoder, end.truncation
        self.reasons |= end.reasons
        self.concealed_seconds = end.concealed_seconds

    def close(self) -> None:
        """Have the child give up the file, if it is still at it; the file stays open."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


BlockStream = AudioStream | IsolatedStream
"""Decoded audio, block by block, from this process or a child."""
