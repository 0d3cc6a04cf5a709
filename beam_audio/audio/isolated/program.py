"""The child process: decodes one file after another, as its parent asks.

The first message brings the shared memory and the name of a module, or of none. It is answered as
it came, or with an error. Each further one is a request, with the file. It is answered with a head,
then with what is asked for, and an end, or with an error at any point.

* Without a module, messages of some blocks each come. The parent says how many blocks it has
  taken, message by message, or that it wants no more.
* With a module, the child waits for an order. By null it sends blocks, too. By any other it sends
  what the module makes of the stream, part by part. The socket holds it up until the parent takes
  them.

Such a module has two functions. ``load()`` loads what it needs. ``parts(stream, order)`` yields
each :class:`~beam_audio.audio.isolated.messages.Part` of an ``AudioStream`` by an order, which is a
value of JSON.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import select
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.memory import SharedMemory, places
from beam_audio.audio.isolated.messages import End, Head, error_message
from beam_audio.audio.isolated.served_file import asked_file
from beam_audio.child import Connection, connect, own_limit_refused_memory
from beam_audio.errors import BeamAudioError, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from _typeshed import WriteableBuffer

    from beam_audio.audio.isolated.messages import Part

STOP: Final = b"stop"
_BLOCKS: Final = b"null"


class _File(io.RawIOBase):
    """A file that the parent has open, read without moving its position there."""

    def __init__(self, descriptor: int, watch: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._watch = watch
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._watch()
        read = os.preadv(self._descriptor, [buffer], self._position)
        self._position += read
        return read

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}
        origin = origins[whence] if whence in origins else os.fstat(self._descriptor).st_size
        self._position = max(0, origin + offset)
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def main() -> None:
    """Serve until the parent ends."""
    connection = connect()
    greeting, files = connection.receive()
    memory = SharedMemory(files[0])
    os.close(files[0])
    try:
        work = _loaded(greeting.decode())
    except BeamAudioError as error:
        connection.send(error_message(error))
        return
    connection.send(greeting)
    while True:
        try:
            data, files = connection.receive()
        except EOFError:
            return
        if files:  # else it is about the recording before, which has ended meanwhile
            asked = asked_file(files[0], memory.watch)
            with asked or _File(files[0], memory.watch) as file:
                request = DecodeRequest.from_json(json.loads(data))
                _answer(connection, memory, work, cast("BinaryIO", file), request)


def _loaded(name: str) -> ModuleType | None:
    """The module of a name, with what it needs."""
    if not name:
        return None
    module = importlib.import_module(name)
    module.load()
    return module


def _answer(
    connection: Connection,
    memory: SharedMemory,
    work: ModuleType | None,
    file: BinaryIO,
    request: DecodeRequest,
) -> None:
    memory.clear()
    try:
        with AudioStream(file, request, memory.watch) as stream:
            connection.send(Head.of(stream).to_json())
            order = connection.receive().data if work else _BLOCKS
            if order == _BLOCKS:
                _send_blocks(connection, memory, stream)
            elif work and order != STOP:
                _send_parts(connection, memory, work.parts(stream, json.loads(order)))
            end = End.of(stream)
    except Exception as error:  # noqa: BLE001 - the parent raises it again, whatever it is
        answer = _error_message(error)
    else:
        answer = end.to_json()
    connection.send(answer)


def _error_message(error: Exception) -> bytes:
    """An error; that numpy or ONNX Runtime has no memory is a ``MemoryError``."""
    if isinstance(error, BeamAudioError) or not is_out_of_memory(error):
        return error_message(error)
    return error_message(MemoryError(str(error)), own_limit=own_limit_refused_memory())


def _send_parts(connection: Connection, memory: SharedMemory, parts: Iterable[Part]) -> None:
    for part in parts:
        memory.watch()
        if select.select([connection], [], [], 0)[0]:  # the parent wants no more
            connection.receive()
            return
        connection.send(part.to_json())
        connection.send(part.data)


def _send_blocks(connection: Connection, memory: SharedMemory, stream: AudioStream) -> None:
    """Put blocks into the memory and tell of some at once, as messages cost more than blocks."""
    kept = 0
    slots = range(1)
    waiting: list[dict[str, int]] = []
    for number, block in enumerate(stream.blocks()):
        slots = slots if number else places(block.size)  # none is longer than the first
        while kept == len(slots) or select.select([connection], [], [], 0)[0]:
            said, _ = connection.receive()
            if said == STOP:
                return
            kept -= int(said)
        place = slots[number % len(slots)]
        memory.put(place, block)
        kept += 1
        waiting.append({"frames": len(block), "place": place})
        if len(waiting) * 4 >= len(slots):
            connection.send(json.dumps({"blocks": waiting}).encode())
            waiting.clear()
    if waiting:
        connection.send(json.dumps({"blocks": waiting}).encode())


if __name__ == "__main__":
    main()
