from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.odd_recognizers import odd_environment, recogniser_processes
from support.unit_runs import hear_loudness, tones

from beam_audio.asr.isolated.process import ModelProcess, ProcessLost
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.recognizer import Request
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., ModelProcess]

QUIET, LOUD = Request(tones([0.1])), Request(tones([0.99]))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a process, odd as the test says, that is stopped afterwards."""
    started: list[ModelProcess] = []

    def begin(odd: str = "", hang_seconds: float = 60.0) -> ModelProcess:
        for name, value in odd_environment(odd).items() if odd else ():
            monkeypatch.setenv(name, value)
        started.append(ModelProcess("placeholder", DEFAULT_OPTIONS, hang_seconds))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


def test_threads_share_it(start: Start) -> None:
    process, found = start(), {}
    batches = [[Request(tones([level / 10]))] * 3 for level in range(1, 9)]

    def hear(place: int) -> None:
        found[place] = [process.transcribe(batches[place]) for _ in range(5)]

    threads = [threading.Thread(target=hear, args=(place,)) for place in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, batch in enumerate(batches):
        assert found[place] == [[hear_loudness(each) for each in batch]] * 5


def test_batches_of_several_threads_overlap(start: Start) -> None:
    """One that hangs does not keep the others waiting."""
    others = set(recogniser_processes(os.getpid()))
    process = start("hang")

    def wait() -> None:
        with pytest.raises(ProcessLost):
            process.transcribe([LOUD])

    stuck = threading.Thread(target=wait)
    stuck.start()
    assert process.transcribe([QUIET]) == [hear_loudness(QUIET)]
    assert stuck.is_alive()
    (own,) = set(recogniser_processes(os.getpid())) - others
    os.kill(own, signal.SIGKILL)
    stuck.join(10)
    assert not stuck.is_alive()


@pytest.mark.parametrize(
    ("odd", "cause", "by_machine"),
    [
        ("abort", "SIGABRT", False),
        ("segfault", "SIGSEGV", False),
        ("exit", "exit status 3", False),
        ("killed", "SIGKILL", True),
        ("starve", "SIGABRT", True),
    ],
)
def test_it_says_how_the_process_ended(
    start: Start, odd: str, cause: str, *, by_machine: bool
) -> None:
    process = start(odd)
    process.transcribe([QUIET])
    with pytest.raises(ProcessLost) as caught:
        process.transcribe([QUIET, LOUD])
    loss = caught.value.loss
    assert (loss.cause, loss.by_machine, loss.hung) == (cause, by_machine, False)
    assert not caught.value.was_alone
    assert process.is_lost
    with pytest.raises(ProcessLost):
        process.transcribe([QUIET])


def test_a_process_that_sleeps_over_a_batch_hangs(start: Start) -> None:
    process = start("hang", hang_seconds=1.0)
    with pytest.raises(ProcessLost) as caught:
        process.transcribe([LOUD])
    assert caught.value.loss.hung
    assert caught.value.was_alone


def test_a_batch_that_was_not_begun_was_not_at_work(start: Start) -> None:
    others = set(recogniser_processes(os.getpid()))
    process = start()
    (own,) = set(recogniser_processes(os.getpid())) - others
    os.kill(own, signal.SIGSTOP)
    lost: list[ProcessLost] = []

    def wait() -> None:
        with pytest.raises(ProcessLost) as caught:
            process.transcribe([QUIET])
        lost.append(caught.value)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    os.kill(own, signal.SIGKILL)
    waiting.join(10)
    assert not lost[0].was_alone


def test_a_process_without_work_or_at_work_does_not_hang(start: Start) -> None:
    process = start("work", hang_seconds=0.5)
    time.sleep(1.5)
    assert process.transcribe([LOUD]) == [hear_loudness(LOUD)]


def test_errors_of_loading_are_the_models() -> None:
    with pytest.raises(ModelError, match="no model is named 'nope'"):
        ModelProcess("nope", DEFAULT_OPTIONS, 60.0)


def test_it_ends_when_it_is_stopped(start: Start) -> None:
    others = set(recogniser_processes(os.getpid()))
    process = start()
    (own,) = set(recogniser_processes(os.getpid())) - others
    process.stop()
    end = time.monotonic() + 10
    while own in recogniser_processes(os.getpid()) and time.monotonic() < end:
        time.sleep(0.01)
    assert own not in recogniser_processes(os.getpid())
