"""A child that decodes, from the parent's side, and the idle ones that wait for a recording."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio.audio.isolated.memory import SharedMemory, memory_file
from beam_audio.audio.isolated.messages import End, Head, error_from_json
from beam_audio.audio.isolated.program import STOP
from beam_audio.child import Child, ChildEnded, ChildHangs
from beam_audio.errors import BeamAudioError, DecoderCrash, DecoderHang, MachineError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.request import DecodeRequest

_PROGRAM: Final = "beam_audio.audio.isolated.program"
_TITLES: Final = {"av": "PyAV", "tfio": "tensorflow-io"}
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Decoders need no algebra, and its threads take memory by the core."""

_START_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 1.0
_KEPT_SHARE: Final = 0.25
"""A child that still has more of its limit than this after a recording has leaked, and goes."""


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take before its file is given up.

    Attributes:
        memory_bytes: Memory for data. The index of a recording of a day takes a tenth of it.
        hang_seconds: Seconds at work, or asleep, without a chunk decoded or a piece read. Either
            takes milliseconds.
    """

    memory_bytes: int = 2 * 2**30
    hang_seconds: float = 15.0


class DecoderKilled(Exception):  # noqa: N818 - it becomes an error if it happens again
    """Somebody else ended the child; its file is not at fault."""


class DecodingChild:
    """One child, which decodes one file at a time.

    Attributes:
        is_fresh: Whether it has decoded nothing before the file that it is at.
    """

    def __init__(self, limits: ChildLimits) -> None:
        self.limits = limits
        self.is_fresh = True
        self._is_ready = False
        self._is_busy = False
        self._is_odd = False
        with memory_file() as shared:
            self._memory = SharedMemory(shared.fileno())
            self._child = Child(_PROGRAM, memory_bytes=limits.memory_bytes, environment=_ONE_THREAD)
            with contextlib.suppress(ChildEnded):  # it is asked how it ended when it is used
                self._child.send(b"", [shared.fileno()])

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._child.alive

    @property
    def is_healthy(self) -> bool:
        """Whether it can decode another file."""
        kept_bytes = self._child.data_bytes()
        is_whole = not self._is_busy and not self._is_odd
        return is_whole and 0 < kept_bytes < _KEPT_SHARE * self.limits.memory_bytes

    def decode(
        self, descriptor: int, request: DecodeRequest, name: str
    ) -> Generator[Head | NDArray[np.float32] | End]:
        """Yield the head of a file, its blocks, and its end.

        Raises:
            DecoderCrash: The file ended the child, or made it take too much memory.
            DecoderHang: The child did not get on.
            DecoderKilled: Somebody else ended the child.
            MachineError: The child cannot run here.
            MemoryError: The machine has no memory.
            BeamAudioError: What the decoders raise.
        """
        self._await_start()
        self._is_busy = True
        try:
            self._send(json.dumps(request.to_json()).encode(), [descriptor], name=name)
            head = Head.from_json(self._answer(name)["head"])
            yield head
            channels = head.format.channels
            while blocks := (answer := self._answer(name)).get("blocks"):
                for block in blocks:
                    yield self._memory.take(block["place"], (block["frames"], channels))
                self._send(b"%d" % len(blocks), name=name)
            yield End.from_json(answer["end"])
        finally:
            self.is_fresh = False
            if self._is_busy and self._child.alive:
                self._interrupt()

    def stop(self) -> None:
        """End it."""
        self._child.stop()

    def _await_start(self) -> None:
        """Wait until it runs: whatever happens before is no file's fault."""
        if self._is_ready:
            return
        try:
            self._child.receive(hang_seconds=_START_SECONDS)
        except ChildEnded as ended:
            cause, words = ended.ending.cause, ended.ending.last_words
            raise MachineError(f"the program that decodes cannot run: {cause}: {words}") from ended
        except ChildHangs as hangs:
            raise MachineError(f"the program that decodes does not start: {hangs}") from hangs
        self._is_ready = True

    def _send(self, data: bytes, files: list[int] | None = None, *, name: str) -> None:
        try:
            self._child.send(data, files or [])
        except ChildEnded as ended:
            raise self._ended(ended, name) from ended

    def _answer(self, name: str) -> dict[str, Any]:
        """The next answer; an error in it is raised."""
        try:
            data, _ = self._child.receive(
                lambda: self._memory.progress, hang_seconds=self.limits.hang_seconds
            )
        except ChildEnded as ended:
            raise self._ended(ended, name) from ended
        except ChildHangs as hangs:
            self.stop()
            raise DecoderHang(f"{self._decoder} never gets through {name}: {hangs}") from hangs
        answer: dict[str, Any] = json.loads(data)
        self._is_busy = not _is_last(answer)
        if "error" in answer:
            self._raise(answer, name)
        return answer

    def _raise(self, answer: dict[str, Any], name: str) -> None:
        error = error_from_json(answer["error"])
        self._is_odd = not isinstance(error, BeamAudioError)
        if isinstance(error, MemoryError) and answer["own_limit"]:
            limit = f"{self.limits.memory_bytes >> 20} MiB of memory"
            raise DecoderCrash(f"{self._decoder} takes more than {limit} for {name}")
        raise error

    def _ended(self, ended: ChildEnded, name: str) -> Exception:
        ending = ended.ending
        if ending.from_outside:
            return DecoderKilled(f"{self._decoder} was ended from outside ({ending.cause})")
        return DecoderCrash(f"{self._decoder} died of {name} ({ending.cause})")

    @property
    def _decoder(self) -> str:
        name = self._memory.decoder
        return f"the decoder {_TITLES.get(name, name)}" if name else "the decoder"

    def _interrupt(self) -> None:
        """Have it give up the file, or end it."""
        try:
            self._child.send(STOP)
            while self._is_busy:
                data, _ = self._child.receive(hang_seconds=_STOP_SECONDS)
                self._is_busy = not _is_last(json.loads(data))
        except (ChildEnded, ChildHangs):
            self.stop()


def _is_last(answer: dict[str, Any]) -> bool:
    return "end" in answer or "error" in answer


_idle: list[DecodingChild] = []
os.register_at_fork(after_in_child=_idle.clear)  # two processes must not share a child


@contextmanager
def decoding_child(limits: ChildLimits, *, fresh: bool = False) -> Iterator[DecodingChild]:
    """A child for one recording; an idle one unless a fresh one is wanted.

    Raises:
        OSError: The machine cannot start a process.
    """
    child = None if fresh else _take(limits)
    child = child or DecodingChild(limits)
    try:
        yield child
    finally:
        if child.is_healthy:
            _idle.append(child)
        else:
            child.stop()


def _take(limits: ChildLimits) -> DecodingChild | None:
    while (child := _last_idle()) is not None:
        if child.is_alive and child.limits == limits:
            return child
        child.stop()
    return None


@atexit.register
def end_idle() -> None:
    """End the children that wait: they give their memory back."""
    while (child := _last_idle()) is not None:
        child.stop()


def _last_idle() -> DecodingChild | None:
    """Take one; several threads may be about to take the last."""
    with contextlib.suppress(IndexError):
        return _idle.pop()
    return None
