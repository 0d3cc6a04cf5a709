"""A child process that does what it is told, such as to abort, hang or take memory."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import TYPE_CHECKING, Final

from beam_audio.child import connect, own_limit_refused_memory

if TYPE_CHECKING:
    from collections.abc import Callable


def abort(last_words: str) -> str:
    print(last_words, file=sys.stderr, flush=True)
    os.abort()


def leave(status: str) -> str:
    os._exit(int(status))


def sleep(seconds: str) -> str:
    time.sleep(float(seconds))
    return "woke up"


def spin(_: str) -> str:
    while True:
        pass


def freeze(_: str) -> str:
    """Native code that never returns and keeps Python's lock."""
    ctypes.PyDLL(None).pause()
    return "not frozen"


def take(size_bytes: str) -> str:
    try:
        return str(len(bytearray(int(size_bytes))))
    except MemoryError:
        return "own limit" if own_limit_refused_memory() else "the machine"


def keep(size_bytes: str) -> str:
    KEPT.append(bytearray(int(size_bytes)))
    return "kept"


def flood(lines: str) -> str:
    for _ in range(int(lines)):
        os.write(1, b"x" * 999 + b"\n")
        os.write(2, b"x" * 999 + b"\n")
    return "printed"


KEPT: Final[list[bytearray]] = []
VERBS: Final[dict[str, Callable[[str], str]]] = {
    "echo": str,
    "size": lambda text: str(len(text)),
    "abort": abort,
    "exit": leave,
    "sleep": sleep,
    "spin": spin,
    "freeze": freeze,
    "take": take,
    "keep": keep,
    "print": flood,
}


def main() -> None:
    connection = connect()
    while True:
        try:
            data, files = connection.receive()
        except EOFError:
            return
        verb, _, argument = data.decode().partition(" ")
        if verb == "read":
            connection.send(os.pread(files[0], 100, 0), files)
        else:
            connection.send(VERBS[verb](argument).encode())


if __name__ == "__main__":
    main()
