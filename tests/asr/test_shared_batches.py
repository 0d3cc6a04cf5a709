"""Batches that wait together are recognised together; errors and results find their threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.unit_runs import RATE_HZ, Scripted, fail_when_loud, hear_loudness, tones

from beam_audio.asr.recognizer import BatchLimits, Request
from beam_audio.asr.shared_batches import AT_A_TIME, SharedBatches
from beam_audio.unit.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.types import Transcript

SECOND = tones([0.5])


class Gate(Scripted):
    """Holds the first batches until it is opened, so that others wait."""

    def __init__(self, batch_seconds: float = 120.0) -> None:
        super().__init__(fail_when_loud, batch_limits=BatchLimits(batch_seconds))
        self.begun: list[int] = []
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        self.begun.append(len(requests))
        self.entered.release()
        self.opened.wait(timeout=30.0)
        return super().transcribe(requests)


def clip(level: int, seconds: int = 1) -> Request:
    return Request(tones([level / 10] * seconds))


def ask_together(
    gate: Gate, batches: Sequence[Sequence[Request]]
) -> list[list[Transcript] | Exception]:
    """What each of these batches hears, all of which wait while others are on the device."""
    shared = SharedBatches(gate)
    arrived = threading.Semaphore(0)

    def ask(batch: Sequence[Request]) -> list[Transcript] | Exception:
        arrived.release()
        try:
            return shared.transcribe(batch)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(AT_A_TIME + len(batches)) as threads:
        for _ in range(AT_A_TIME):
            threads.submit(ask, [clip(1)])
            gate.entered.acquire()
        answers = [threads.submit(ask, batch) for batch in batches]
        while len(shared._waiting) < len(batches):
            arrived.acquire(timeout=0.01)
        gate.opened.set()
        return [answer.result() for answer in answers]


def sizes(gate: Gate) -> list[int]:
    """Clips of each batch after the first ones."""
    return sorted(gate.begun[AT_A_TIME:])


def test_batches_that_wait_become_one() -> None:
    gate = Gate()
    batches = [[clip(2), clip(3)], [clip(4)], [clip(5), clip(6), clip(7)]]
    assert ask_together(gate, batches) == [list(map(hear_loudness, batch)) for batch in batches]
    assert sizes(gate) == [6]


def test_a_batch_is_never_larger_than_wanted() -> None:
    gate = Gate(batch_seconds=4.0)
    ask_together(gate, [[clip(2)] * 2, [clip(3)] * 3, [clip(4)] * 2])
    assert sizes(gate) == [3, 4]
    gate = Gate(batch_seconds=4.0)
    ask_together(gate, [[clip(2)] * 9])
    assert sizes(gate) == [9]  # the recogniser inside knows how to cut it


def test_short_clips_do_not_join_long_ones() -> None:
    gate = Gate()
    ask_together(gate, [[clip(2, seconds=20)], [clip(3)] * 3, [clip(4)] * 2])
    assert sizes(gate) == [1, 5]


def test_an_error_reaches_the_thread_whose_batch_it_is() -> None:
    gate = Gate()
    heard = ask_together(gate, [[clip(2)], [clip(10)], [clip(3), clip(4)]])
    assert sizes(gate) == [1, 1, 2, 4]  # together, and then one by one
    assert heard[0] == [hear_loudness(clip(2))]
    assert isinstance(heard[1], ValueError)
    assert heard[2] == [hear_loudness(clip(3)), hear_loudness(clip(4))]


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(1, 10), min_size=1, max_size=4), max_size=8))
def test_every_thread_gets_what_it_would_get_alone(levels: list[list[int]]) -> None:
    batches = [
        [Request(SECOND[: RATE_HZ // 10] * np.float32(each / 5)) for each in batch]
        for batch in levels
    ]
    shared = SharedBatches(Scripted(fail_when_loud))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda batch: recognise(shared, batch), batches))
    for batch, results in zip(batches, found, strict=True):
        expected = recognise(Scripted(fail_when_loud), batch)
        assert list(map(repr, results)) == list(map(repr, expected))


def test_the_same_few_threads_have_the_device() -> None:
    """ONNX Runtime keeps a captured CUDA graph for the thread that captured it."""
    seen = set()

    class Watched(Scripted):
        def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
            seen.add(threading.get_ident())
            return super().transcribe(requests)

    shared = SharedBatches(Watched(batch_limits=BatchLimits(1.0)))
    with ThreadPoolExecutor(8) as threads:
        heard = list(threads.map(shared.transcribe, [[clip(level)] for level in range(1, 9)]))
    assert heard == [[hear_loudness(clip(level))] for level in range(1, 9)]
    assert len(seen) <= AT_A_TIME


def test_everything_else_is_that_of_the_recogniser_inside() -> None:
    inside = Scripted(
        batch_limits=BatchLimits(48.0), provider="CUDAExecutionProvider", passage_seconds=8.0
    )
    shared = SharedBatches(inside)
    assert shared.facts == inside.facts
    assert (shared.provider, shared.passage_seconds) == ("CUDAExecutionProvider", 8.0)
    assert shared.batch_limits == BatchLimits(48.0, AT_A_TIME)
    assert shared.cost_seconds(3.0) == 3.0
    with pytest.raises(ValueError, match="hurts"):
        SharedBatches(Scripted(fail_when_loud)).transcribe([clip(10)])
