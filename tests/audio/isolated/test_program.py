"""The child process by itself, as its parent talks to it."""

from __future__ import annotations

import json
import tempfile
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.encoded_audio import encode, noise

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.memory import SharedMemory, memory_file
from beam_audio.audio.isolated.program import STOP
from beam_audio.child import Child

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = json.dumps(DecodeRequest().to_json()).encode()


class Talk:
    """A child and the memory that it shares."""

    def __init__(self, work: str = "") -> None:
        with memory_file() as file:
            self.memory = SharedMemory(file.fileno())
            self.child = Child("beam_audio.audio.isolated.program")
            self.child.send(work.encode(), [file.fileno()])
        assert self.child.receive(hang_seconds=30.0).data == work.encode()

    def open(self, data: bytes) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            self.child.send(REQUEST, [file.fileno()])

    def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.child.receive(hang_seconds=30.0).data)
        return answer


@pytest.fixture
def talk() -> Iterator[Talk]:
    talk = Talk()
    yield talk
    talk.child.stop()


def test_a_file_is_a_head_blocks_and_an_end(talk: Talk) -> None:
    samples = noise(2.5)
    talk.open(encode(samples, "float"))
    assert talk.hear()["head"]["decoder"] == "soundfile"
    (blocks,) = talk.hear().values()
    taken = [talk.memory.take(each["place"], (each["frames"], 1)) for each in blocks]
    np.testing.assert_array_equal(np.concatenate(taken), samples)
    assert talk.hear()["end"]["truncation"] is None


def test_a_child_waits_until_its_blocks_are_taken(talk: Talk) -> None:
    talk.open(encode(noise(50.0)))
    messages = [talk.hear() for _ in range(5)]
    assert [*messages[0]] == ["head"]
    assert sum(len(each["blocks"]) for each in messages[1:]) == 32
    time.sleep(0.2)
    assert talk.memory.progress < 150  # of 200: a second takes four chunks
    talk.child.send(b"32")
    assert "blocks" in talk.hear()


def test_a_child_waits_until_its_parts_are_taken() -> None:
    """A part is 64 kB, and a socket holds some 200."""
    talk = Talk("support.odd_work")
    talk.open(encode(noise(500.0)))
    assert "head" in talk.hear()
    talk.child.send(b"{}")
    time.sleep(0.5)
    assert talk.memory.progress < 200  # of 2000: a second takes four chunks
    for number in range(500):
        assert talk.hear() == {"part": {"number": number}}
        assert len(talk.child.receive(hang_seconds=30.0).data) == 64_000
    assert "end" in talk.hear()
    talk.child.stop()


def test_a_child_that_is_told_to_stop_takes_the_next_file(talk: Talk) -> None:
    talk.open(encode(noise(500.0)))
    assert "head" in talk.hear()
    talk.child.send(STOP)
    while "end" not in talk.hear():
        pass
    talk.child.send(STOP)  # too late: it means nothing
    talk.open(b"not audio")
    assert talk.hear()["error"]["type"] == "DecodeError"


def test_the_program_starts_in_little_time_and_without_beam() -> None:
    talk = Talk()
    talk.open(encode(noise(0.1)))
    assert "head" in talk.hear()
    stat = f"/proc/{talk.child.process_id}"
    with open(f"{stat}/stat") as file:  # noqa: PTH123 - a line of the kernel
        ticks = file.read().rpartition(")")[2].split()[11:13]
    with open(f"{stat}/maps") as file:  # noqa: PTH123 - as above
        mapped = file.read()
    talk.child.stop()
    assert sum(map(int, ticks)) / 100 < 1.0  # 0.2 where nothing else runs
    assert "libsndfile" in mapped
    assert not any(
        name in mapped for name in ("apache_beam", "onnxruntime", "pyarrow", "grpc", "libssl")
    )
