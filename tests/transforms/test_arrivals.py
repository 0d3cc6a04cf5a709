"""Arrivals: units by count or waiting time, even if inputs come twice or late."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from support.unit_runs import levels, read, ref, run_unit, tones, write

from beam_audio.errors import StoreError
from beam_audio.output.commits import close_unit
from beam_audio.stream.interval import Repeat
from beam_audio.stream.reservations import Reservation, reserve
from beam_audio.transforms.arrivals import GroupArrivals
from beam_audio.unit.packing import MAX_UNIT_INPUTS
from beam_audio.unit.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.types import AudioRef
    from beam_audio.unit.transcribe import Unit


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return [ref(write(tmp_path / f"{n}.wav", tones(levels(1)))) for n in range(MAX_UNIT_INPUTS + 3)]


def group(out: Path, run_id: str = "r", unit_bytes: int = 32 << 20) -> GroupArrivals:
    return GroupArrivals(str(out), run_id=run_id, unit_bytes=unit_bytes, max_wait_seconds=30)


def note(line: str, file: str) -> None:
    """Write a line to a file, as the runner shares no memory with the test."""
    with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123 - pickled as text
        lines.write(f"{line}\n")


def holds(*inputs: AudioRef) -> Callable[[list[Unit]], None]:
    """Check that each of these inputs is in one unit."""

    def check(units: list[Unit]) -> None:
        found = [task.item for unit in units for task in unit.tasks]
        assert sorted(each.uri for each in found) == sorted(each.uri for each in inputs)
        assert all(len(unit.tasks) <= MAX_UNIT_INPUTS for unit in units)

    return check


def test_a_batch_of_messages_becomes_units(tmp_path: Path, inputs: list[AudioRef]) -> None:
    out = tmp_path / "out"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units, _ = pipeline | beam.Create([*inputs, *inputs[:5]]) | group(out)
        assert_that(units, holds(*inputs))


def test_every_large_input_is_a_unit(tmp_path: Path, inputs: list[AudioRef]) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units, _ = pipeline | beam.Create(inputs[:3]) | group(tmp_path / "out", unit_bytes=1)
        assert_that(units | beam.Map(lambda unit: len(unit.tasks)), equal_to([1, 1, 1]))


def test_a_repeated_batch_gets_a_new_unit_if_another_run_closed_the_first(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    reserving = group(tmp_path)._reserve
    batch = ("the batch", [Task(item) for item in inputs[:2]])
    (unit,) = reserving.process(batch)
    assert [*reserving.process(batch)] == [unit]
    close_unit(str(tmp_path), unit.unit_id)
    assert run_unit(tmp_path, unit).commit.is_closed
    (another,) = reserving.process(batch)
    assert another.unit_id != unit.unit_id
    assert another.tasks == unit.tasks
    assert run_unit(tmp_path, another).commit.rows["recordings"] == 2


def test_committed_inputs_are_left_out(tmp_path: Path, inputs: list[AudioRef]) -> None:
    out = tmp_path / "out"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units, _ = pipeline | beam.Create(inputs[:4]) | group(out)
        _ = units | beam.Map(lambda unit: run_unit(out, unit))
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units, repeated = pipeline | beam.Create(inputs[:6]) | group(out, "r2")
        assert_that(units, holds(*inputs[4:6]), "units")
        assert_that(repeated, equal_to([Repeat(each.source_id) for each in inputs[:4]]), "repeated")


def test_messages_that_contradict_one_another_are_said(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    def state(text: str, number: int) -> AudioRef:
        return replace(inputs[0], reference_text=text, stated_in=f"message {number}")

    reserving = group(tmp_path)._reserve
    (unit,) = reserving.process(("first", [Task(state("yes", 1))]))
    run_unit(tmp_path, unit)
    repeat, unit = reserving.process(("second", [Task(state("no", 2)), Task(inputs[1])]))
    assert isinstance(repeat, beam.pvalue.TaggedOutput)
    assert repeat.value == Repeat(inputs[0].source_id)
    assert run_unit(tmp_path, unit).commit.rows == {
        "segments": 1,
        "recordings": 1,
        "failures": 1,
    }
    (row,) = read(tmp_path, "failures")
    assert row["message"].startswith("message 2 states another text")
    (again,) = reserving.process(("third", [Task(state("no", 3))]))
    assert isinstance(again, beam.pvalue.TaggedOutput)
    assert again.value == Repeat(inputs[0].source_id)


def test_of_contradictions_that_come_together_none_is_taken(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    both = [replace(inputs[0], language=code, stated_in=f"message {code}") for code in ("de", "en")]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units, _ = pipeline | beam.Create([*both, inputs[1]]) | group(tmp_path / "out")
        _ = units | beam.Map(lambda unit: run_unit(tmp_path / "out", unit))
    (row,) = read(tmp_path / "out", "failures")
    assert row["message"].startswith("message de and message en are about the same input")
    (row,) = read(tmp_path / "out", "recordings")
    assert row["uri"] == inputs[1].uri


def test_a_runner_that_acknowledged_repeats_what_another_run_is_working_on(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    reserve(str(tmp_path), inputs[0], Reservation("theirs", "s"))
    batch = ("the batch", [Task(item) for item in inputs[:2]])
    (unit,) = group(tmp_path)._reserve.process(batch)
    assert [task.item for task in unit.tasks] == [inputs[1]]
    acknowledged = GroupArrivals(
        str(tmp_path), run_id="r", unit_bytes=1, max_wait_seconds=1, is_acknowledged=True
    )
    with pytest.raises(StoreError, match="another run is working on"):
        list(acknowledged._reserve.process(batch))


def test_a_wait_ends_a_unit_and_late_inputs_are_not_dropped(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    stream = (
        TestStream()
        .advance_watermark_to(1_000)
        .add_elements(inputs[:2])
        # Test time starts at 0; timers use the wall clock.
        .advance_processing_time(int(time.time()) + 600)
        .advance_watermark_to(100_000)
        .add_elements([beam.window.TimestampedValue(inputs[2], 10)])
        .advance_processing_time(31)
        .add_elements(inputs[:2])
        .advance_watermark_to_infinity()
    )
    options = PipelineOptions(["--streaming"])
    with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
        units, repeated = pipeline | stream | group(tmp_path / "out")
        names = units | beam.Map(lambda unit: " ".join(sorted(t.item.uri for t in unit.tasks)))
        _ = names | "Units" >> beam.Map(note, str(tmp_path / "units"))
        ids = repeated | beam.Map(lambda each: each.source_id)
        _ = ids | "Repeated" >> beam.Map(note, str(tmp_path / "repeated"))
    first, late = (tmp_path / "units").read_text().splitlines()
    assert first == " ".join(each.uri for each in inputs[:2])
    assert late == inputs[2].uri
    assert {*(tmp_path / "repeated").read_text().split()} == {i.source_id for i in inputs[:2]}
