"""A child that decodes, from the parent's side, and the idle ones that wait for a recording."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beam_audio.audio.isolated.memory import SharedMemory, memory_file
from beam_audio.audio.isolated.messages import End, Head, Part, error_from_json
from beam_audio.audio.isolated.program import STOP
from beam_audio.child import Child, ChildEnded, ChildHangs
from beam_audio.errors import BeamAudioError, DecoderCrash, DecoderHang, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

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


class _Answer(NamedTuple):
    """What a child says, and the bytes of a part."""

    content: dict[str, Any]
    data: bytes = b""

    @property
    def is_last(self) -> bool:
        return "end" in self.content or "error" in self.content


class DecodingChild:
    """One child, which decodes one file at a time.

    Args:
        limits: What it may take.
        work: Name of the module that makes something of each stream; empty for blocks alone.

    Attributes:
        is_fresh: Whether it has decoded nothing before the file that it is at.
    """

    def __init__(self, limits: ChildLimits, work: str = "") -> None:
        self.limits = limits
        self.work = work
        self.is_fresh = True
        self._is_ready = False
        self._is_busy = False
        self._is_odd = False
        with memory_file() as shared:
            self._memory = SharedMemory(shared.fileno())
            self._child = Child(_PROGRAM, memory_bytes=limits.memory_bytes, environment=_ONE_THREAD)
            with contextlib.suppress(ChildEnded):  # it is asked how it ended when it is used
                self._child.send(work.encode(), [shared.fileno()])

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
        self,
        descriptor: int,
        request: DecodeRequest,
        name: str,
        order: Callable[[], object] = lambda: None,
    ) -> Generator[Head | NDArray[np.float32] | Part | End]:
        """Yield the head of a file, its blocks or parts, and its end.

        Args:
            descriptor: The file.
            request: How it is decoded.
            name: What messages call it.
            order: Gives the order for the work, a value of JSON, once the head is known; None
                for blocks.

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
            head = Head.from_json(self._answer(name).content["head"])
            yield head
            wanted = order()
            if self.work:
                self._send(json.dumps(wanted).encode(), name=name)
            if wanted is None:
                yield from self._blocks(head.format.channels, name)
            else:
                yield from self._parts(name)
        finally:
            self.is_fresh = False
            if self._is_busy and self._child.alive:
                self._interrupt()

    def stop(self) -> None:
        """End it."""
        self._child.stop()

    def _blocks(self, channels: int, name: str) -> Iterator[NDArray[np.float32] | End]:
        while blocks := (content := self._answer(name).content).get("blocks"):
            for block in blocks:
                yield self._memory.take(block["place"], (block["frames"], channels))
            self._send(b"%d" % len(blocks), name=name)
        yield End.from_json(content["end"])

    def _parts(self, name: str) -> Iterator[Part | End]:
        while "part" in (answer := self._answer(name)).content:
            yield Part(answer.content["part"], answer.data)
        yield End.from_json(answer.content["end"])

    def _await_start(self) -> None:
        """Wait until it runs: whatever happens before is no file's fault."""
        if self._is_ready:
            return
        try:
            said, _ = self._child.receive(hang_seconds=_START_SECONDS)
        except ChildEnded as ended:
            cause, words = ended.ending.cause, ended.ending.last_words
            raise MachineError(f"the program that decodes cannot run: {cause}: {words}") from ended
        except ChildHangs as hangs:
            raise MachineError(f"the program that decodes does not start: {hangs}") from hangs
        if said != self.work.encode():
            self._is_odd = True
            raise error_from_json(json.loads(said)["error"])
        self._is_ready = True

    def _send(self, data: bytes, files: list[int] | None = None, *, name: str) -> None:
        try:
            self._child.send(data, files or [])
        except ChildEnded as ended:
            raise self._ended(ended, name) from ended

    def _hear(self, hang_seconds: float) -> _Answer:
        """The next answer, whatever it is."""
        said, _ = self._child.receive(lambda: self._memory.progress, hang_seconds=hang_seconds)
        answer = _Answer(json.loads(said))
        if "part" in answer.content:
            data, _ = self._child.receive(hang_seconds=hang_seconds)
            answer = answer._replace(data=data)
        self._is_busy = not answer.is_last
        return answer

    def _answer(self, name: str) -> _Answer:
        """The next answer; an error in it is raised."""
        try:
            answer = self._hear(self.limits.hang_seconds)
        except ChildEnded as ended:
            raise self._ended(ended, name) from ended
        except ChildHangs as hangs:
            self.stop()
            raise DecoderHang(f"{self._decoder} never gets through {name}: {hangs}") from hangs
        if "error" in answer.content:
            self._raise(answer.content, name)
        return answer

    def _raise(self, content: dict[str, Any], name: str) -> None:
        error = error_from_json(content["error"])
        self._is_odd = not isinstance(error, BeamAudioError)
        if isinstance(error, MemoryError) and content["own_limit"]:
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
                self._hear(_STOP_SECONDS)
        except (ChildEnded, ChildHangs):
            self.stop()


_idle: list[DecodingChild] = []
os.register_at_fork(after_in_child=_idle.clear)  # two processes must not share a child


@contextmanager
def decoding_child(
    limits: ChildLimits, work: str = "", *, fresh: bool = False
) -> Iterator[DecodingChild]:
    """A child for one recording; an idle one unless a fresh one is wanted.

    Raises:
        OSError: The machine cannot start a process.
    """
    child = None if fresh else _take(limits, work)
    child = child or DecodingChild(limits, work)
    try:
        yield child
    finally:
        if child.is_healthy:
            _idle.append(child)
        else:
            child.stop()


def _take(limits: ChildLimits, work: str) -> DecodingChild | None:
    while (child := _last_idle()) is not None:
        if child.is_alive and (child.limits, child.work) == (limits, work):
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
