"""Poisons the decoding children of programs that have this folder on ``PYTHONPATH``.

A file that begins with ``POISON`` and a verb does what the verb says when libsndfile would open it;
one that ends so does it after some of its audio. ``used`` before a verb spares a child that has
decoded nothing before. The file ``POISON_ASLEEP`` is made when a decoder falls asleep.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PROGRAM: Final = "beam_audio.audio.isolated.program"
_LATE_READS: Final = 20
_kept: list[bytearray] = []


def _leak() -> None:
    while True:
        _kept.append(bytearray(2**26))


def _spin() -> None:
    while True:
        pass


def _sleep() -> None:
    Path(os.environ.get("POISON_ASLEEP", os.devnull)).touch()
    time.sleep(3600)


def _flood() -> None:
    for _ in range(104_000):
        os.write(1, b"sds : block 1 of 1\n")


VERBS: Final[dict[bytes, Callable[[], object]]] = {
    b"abort": os.abort,
    b"crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    b"exit": lambda: os._exit(3),
    b"flood": _flood,
    b"keep": lambda: _kept.append(bytearray(600 * 2**20)),
    b"kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    b"leak": _leak,
    b"sleep": _sleep,
    b"spin": _spin,
}


def _poison() -> None:
    from beam_audio.audio.decoders import choice  # noqa: PLC0415 - few need it
    from beam_audio.audio.decoders.soundfile import SoundfileReader  # noqa: PLC0415 - as above

    opened = [0]

    def verb_in(text: bytes) -> Callable[[], object] | None:
        _, mark, rest = text.partition(b"POISON ")
        words = rest.partition(b"\n")[0].split()
        if not mark or (words[0] == b"used" and opened[0] == 1):
            return None
        return VERBS[words[-1]]

    class Poisoned(SoundfileReader):
        def __init__(self, file: BinaryIO, *more: object) -> None:
            opened[0] += 1
            file.seek(0)
            content = file.read()
            if content.startswith(b"POISON") and (verb := verb_in(content[:32])):
                verb()
            self._verb = verb_in(content[-32:])
            self._reads = 0
            super().__init__(file, *more)  # type: ignore[arg-type] # as it came

        def read(self):  # type: ignore[no-untyped-def] # noqa: ANN202 - as the other's
            self._reads += 1
            if self._verb and self._reads == _LATE_READS:
                self._verb()
            return super().read()

    setattr(choice, SoundfileReader.__name__, Poisoned)


if _PROGRAM in sys.orig_argv:
    _poison()
