"""What the models are given: languages, budgets, and how many batches at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.unit_runs import SCRIPTED_FACTS, Scripted

from beam_audio.asr.recognizer import BatchLimits
from beam_audio.unit.clock import StageClock
from beam_audio.unit.device_clock import DeviceClock
from beam_audio.unit.hearing import Hearing


def hearing(first: Scripted, second: Scripted | None, batch_seconds: float | None) -> Hearing:
    return Hearing(
        recognizer=first,
        second=second,
        language="auto",
        batch_seconds=batch_seconds,
        clock=StageClock(),
        device=DeviceClock(),
    )


@pytest.mark.parametrize(("asked", "budget_seconds"), [(None, 480.0), (60.0, 60.0)])
def test_a_budget_that_is_asked_for_comes_before_that_of_the_model(
    asked: float | None, budget_seconds: float
) -> None:
    first = Scripted(batch_limits=BatchLimits(480.0, 3))
    assert hearing(first, None, asked).budget_seconds == budget_seconds


def test_two_models_take_as_many_batches_as_the_one_that_takes_fewer() -> None:
    facts = replace(SCRIPTED_FACTS, model_id="other")
    first, second = Scripted(batch_limits=BatchLimits(480.0, 3)), Scripted(facts=facts)
    assert hearing(first, None, None).at_a_time == 3
    assert hearing(first, second, None).at_a_time == 1
