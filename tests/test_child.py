from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from beam_audio.child import Child, ChildEnded, ChildHangs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a child that is stopped after the test."""
    started: list[Child] = []

    def begin(memory_bytes: int | None = None) -> Child:
        started.append(Child("support.odd_child", memory_bytes=memory_bytes))
        return started[-1]

    yield begin
    for child in started:
        child.stop()


def ask(child: Child, request: str) -> str:
    child.send(request.encode())
    return child.receive().data.decode()


def test_answers_come_in_order_and_whole(start: Start) -> None:
    child = start()
    assert [ask(child, f"echo {word}") for word in ("one", "two", "")] == ["one", "two", ""]
    assert ask(child, "size " + "x" * 5_000_000) == "5000000"


def test_a_time_limit_for_all_sockets_is_none_for_it(
    start: Start,
) -> None:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.01)
    try:
        assert ask(start(), "sleep 0.1") == "woke up"
    finally:
        socket.setdefaulttimeout(before)


def test_open_files_travel_both_ways(start: Start) -> None:
    child = start()
    with tempfile.TemporaryFile() as file:
        file.write(b"content")
        file.flush()
        child.send(b"read", [file.fileno()])
    message = child.receive()
    assert message.data == b"content"
    assert os.pread(message.files[0], 4, 3) == b"tent"
    os.close(message.files[0])


@pytest.mark.parametrize(
    ("request_text", "cause"), [("abort the last words", "SIGABRT"), ("exit 3", "exit status 3")]
)
def test_an_end_names_its_cause(start: Start, request_text: str, cause: str) -> None:
    with pytest.raises(ChildEnded) as caught:
        ask(start(), request_text)
    assert caught.value.ending.cause == cause
    assert not caught.value.ending.from_outside
    if cause == "SIGABRT":
        assert "the last words" in caught.value.ending.last_words


def test_a_module_that_cannot_run_says_why() -> None:
    child = Child("beam_audio.no_such_module")
    with pytest.raises(ChildEnded) as caught:
        child.receive()
    assert "no_such_module" in caught.value.ending.last_words


def test_a_kill_is_from_outside(start: Start) -> None:
    child = start()
    assert ask(child, "echo here") == "here"
    os.kill(child.process_id, signal.SIGKILL)
    with pytest.raises(ChildEnded) as caught:
        ask(child, "echo here")
    assert caught.value.ending.from_outside
    assert not child.alive


@pytest.mark.parametrize("polite", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_end_are_the_parents_to_answer(start: Start, polite: signal.Signals) -> None:
    child = start()
    assert ask(child, "echo before") == "before"
    os.kill(child.process_id, polite)
    assert ask(child, "echo after") == "after"


@pytest.mark.parametrize("hang", ["sleep 60", "spin", "freeze"])
def test_a_child_that_does_not_get_on_hangs(start: Start, hang: str) -> None:
    child = start()
    assert ask(child, "echo here") == "here"
    child.send(hang.encode())
    with pytest.raises(ChildHangs, match=r"no progress for 0\.6 s"):
        child.receive(hang_seconds=0.6)


def test_progress_is_no_hang(start: Start) -> None:
    child, steps = start(), itertools.count()
    child.send(b"sleep 1.5")
    assert child.receive(lambda: next(steps), hang_seconds=0.5).data == b"woke up"


def test_a_stopped_child_does_not_hang(start: Start) -> None:
    child = start()
    assert ask(child, "echo here") == "here"
    subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -CONT {child.process_id}"])
    child.send(b"sleep 0.1")
    os.kill(child.process_id, signal.SIGSTOP)
    assert child.receive(hang_seconds=0.6).data == b"woke up"


def test_prints_do_not_block_a_child_nor_reach_our_output(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(start(), "print 2000") == "printed"
    assert capfd.readouterr() == ("", "")


def test_a_memory_limit_is_told_from_a_machine_without_memory(start: Start) -> None:
    child = start(memory_bytes=512 * 2**20)
    assert ask(child, f"take {2**20}") == str(2**20)
    assert ask(child, f"take {2**30}") == "own limit"
    assert ask(start(), f"take {2**60}") == "the machine"


def test_its_memory_is_seen(start: Start) -> None:
    child = start()
    assert ask(child, "echo here") == "here"
    before = child.data_bytes()
    assert ask(child, f"keep {2**26}") == "kept"
    assert 2**26 <= child.data_bytes() - before < 2**27
    child.stop()
    assert child.data_bytes() == 0


PARENT = """
import sys, time
from beam_audio.child import Child
child = Child("support.odd_child")
child.send(b"echo here")
child.receive()
child.send(sys.argv[1].encode())
print(child.process_id, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("at_work", ["echo", "spin", "freeze"])
def test_a_child_ends_with_its_parent(at_work: str) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, at_work],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    with parent:
        assert parent.stdout is not None
        child = Path(f"/proc/{int(parent.stdout.readline())}")
        assert child.exists()
        parent.kill()
    deadline = time.monotonic() + 10
    while child.exists() and "\nState:\tZ" not in (child / "status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_fork_does_not_keep_a_child(start: Start) -> None:
    child = start()
    fork = os.fork()
    if not fork:
        try:
            child.send(b"echo from the fork")
        except (ValueError, OSError):
            os._exit(0)
        os._exit(1)
    assert os.waitpid(fork, 0)[1] == 0
    assert ask(child, "echo still here") == "still here"
