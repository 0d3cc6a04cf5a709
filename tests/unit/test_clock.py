"""Seconds by stage, and failures that name their stage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from beam_audio.types import AudioRef
from beam_audio.unit.clock import StageClock, failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

REF = AudioRef("gs://bucket/a.wav", 1, attempt=2)


def test_seconds_of_a_stage_add_up() -> None:
    clock = StageClock()
    for _ in range(2):
        with clock.stage("decode"):
            time.sleep(0.01)
    assert 0.02 <= clock.seconds["decode"] < 10


def test_seconds_of_another_clock_are_added() -> None:
    clock, other = StageClock(), StageClock()
    with clock.stage("decode"):
        pass
    other.add({"decode": 2.0, "measure": 1.0})
    clock.add(other.seconds)
    assert clock.seconds["decode"] > 2.0
    assert clock.seconds["measure"] == 1.0


def test_a_stage_that_ends_in_an_error_counts_too() -> None:
    clock = StageClock()
    with pytest.raises(ZeroDivisionError), clock.stage("decode"):
        _ = 1 / 0
    assert clock.seconds["decode"] > 0


def test_making_items_counts_and_using_them_does_not() -> None:
    def items() -> Iterator[int]:
        yield 1
        time.sleep(0.01)
        yield 2

    clock = StageClock()
    with clock.stage("all"):
        for _ in clock.iterate("decode", items()):
            time.sleep(0.05)
    assert 0.01 <= clock.seconds["decode"] < clock.seconds["all"] - 0.08


@pytest.mark.parametrize(("stage", "unit"), [("open", "input"), ("decode", "recording")])
def test_a_failure_names_the_input_the_stage_and_the_error(stage: str, unit: str) -> None:
    failure = failure_of(REF, stage, ValueError("no such thing"))
    assert (failure.unit, failure.stage) == (unit, stage)
    assert (failure.uri, failure.source_id, failure.attempt) == (REF.uri, REF.source_id, 2)
    assert (failure.error_type, failure.message) == ("ValueError", "no such thing")


def test_an_error_without_a_message_has_its_name() -> None:
    assert failure_of(REF, "decode", MemoryError()).message == "MemoryError()"


def test_a_failure_holds_no_secret_of_an_address() -> None:
    error = OSError("https://me:5ec2e7@host/a.wav?X-Amz-Signature=5ec2e7 timed out")
    assert failure_of(REF, "open", error).message == "https://host/a.wav timed out"
