"""Children that decode with tensorflow-io, from the parent's side.

The library aborts its process on some files and never returns from others, and starting it takes
seconds. So it runs in a child, and a healthy child is kept for the next recording.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from beam_audio.child import Child, ChildEnded, ChildHangs
from beam_audio.errors import ConfigError, DecodeError, DecoderCrash, DecoderHang, MachineError

HINT: Final = "pip install 'beam_audio[tfio]' on Python 3.11 or 3.12"

_PROGRAM: Final = "beam_audio.audio.decoders.tfio_worker"
_MEMORY_BYTES: Final = 2 * 2**30
_START_SECONDS: Final = 300.0
"""The library's files are large, and a cold disk is slow."""

_HANG_SECONDS: Final = 15.0
_SCANNED_BYTES_PER_SECOND: Final = 2**21
"""Opening an MP3 reads all of it, at more than ten times this speed."""


class TfioChild:
    """One child, which has one file open at a time."""

    def __init__(self, *, hang_seconds: float = _HANG_SECONDS) -> None:
        """Start it and wait until the library is loaded.

        Args:
            hang_seconds: How long it may be at one chunk.

        Raises:
            ConfigError: The library cannot run in this environment.
            OSError: The machine cannot start a process.
        """
        self._hang_seconds = hang_seconds
        self._files = 0
        self._child = Child(_PROGRAM, memory_bytes=_MEMORY_BYTES)
        try:
            reply, _ = self._receive(_START_SECONDS)
            missing = reply.get("missing")
        except DecodeError as error:
            missing = str(error)
        if missing is not None:
            self.stop()
            raise ConfigError(f"tensorflow-io cannot run: {missing}; {HINT}")

    @property
    def is_fresh(self) -> bool:
        """Whether it has opened one file at most: nothing else can have broken it."""
        return self._files <= 1

    @property
    def alive(self) -> bool:
        """Whether it can open another file."""
        return self._child.alive

    def open(self, descriptor: int) -> dict[str, Any]:
        """Open a file; its ``rate``, ``channels``, ``frames`` and ``dtype``.

        Raises:
            DecodeError: It is not audio that the library can read, or it ends the child.
            MachineError: Somebody else ended the child.
            MemoryError: The machine has no memory.
        """
        self._files += 1
        scan_seconds = os.fstat(descriptor).st_size / _SCANNED_BYTES_PER_SECOND
        header, _ = self._ask(["open"], [descriptor], self._hang_seconds + scan_seconds)
        return header

    def read(self, start: int, stop: int) -> bytes:
        """Frames of the open file, from ``start`` to before ``stop``, in its ``dtype``.

        Raises:
            DecodeError: As for :meth:`open`; also MachineError and MemoryError.
        """
        _, payload = self._ask(["read", start, stop], [], self._hang_seconds)
        return payload

    def stop(self) -> None:
        """End it."""
        self._child.stop()

    def _ask(
        self, request: list[object], files: list[int], hang_seconds: float
    ) -> tuple[dict[str, Any], bytes]:
        try:
            self._child.send(json.dumps(request).encode(), files)
        except ChildEnded as ended:
            raise _death(ended) from ended
        reply, payload = self._receive(hang_seconds)
        if "memory" in reply:
            self.stop()
            if not reply["memory"]:
                raise MemoryError
            raise DecoderCrash(
                f"tensorflow-io takes more than {_MEMORY_BYTES >> 20} MiB of memory for this file"
            )
        if "error" in reply:
            raise DecodeError(reply["error"])
        return reply, payload

    def _receive(self, hang_seconds: float) -> tuple[dict[str, Any], bytes]:
        try:
            data, _ = self._child.receive(hang_seconds=hang_seconds)
        except ChildEnded as ended:
            raise _death(ended) from ended
        except ChildHangs as hangs:
            self.stop()
            raise DecoderHang(f"tensorflow-io never gets through this file: {hangs}") from hangs
        line, _, payload = data.partition(b"\n")
        return json.loads(line), payload


def _death(ended: ChildEnded) -> Exception:
    if ended.ending.from_outside:
        return MachineError(f"tensorflow-io was ended from outside ({ended.ending.cause})")
    return DecoderCrash(f"tensorflow-io died of this file ({ended.ending.cause})")


_idle: list[TfioChild] = []
os.register_at_fork(after_in_child=_idle.clear)  # two processes must not share a child


def take_child() -> TfioChild:
    """A child without a file: an idle one, or a new one.

    Raises:
        ConfigError: The library cannot run in this environment.
        OSError: The machine cannot start a process.
    """
    while _idle:
        child = _idle.pop()
        if child.alive:
            return child
    return TfioChild()


def give_back(child: TfioChild) -> None:
    """Keep a child for the next recording, if it is healthy."""
    if child.alive:
        _idle.append(child)
