"""PlanUnits: every input is compared with its commit record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from support.unit_runs import LAYERS

from beam_audio.output.commits import Commit, InputState, write_commit
from beam_audio.transforms.plan_units import PlanUnits
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.recut import FromRows
from beam_audio.unit.tasks import Input, Task, Wanted
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path

OLD, NOW = (LAYERS | {"rules": rules} for rules in "12")


def state(ref: AudioRef, layers: dict[str, str]) -> InputState:
    return InputState("recorded", ref.place_id, ref.stated_id, None, layers, ("r",))


def check_plan(root: Path, inputs: list[Input], new: list[Task], again: list[Unit]) -> None:
    def check(found: list[Unit]) -> None:
        grouped = [task for unit in found if unit.version == 0 for task in unit.tasks]
        assert sorted(grouped, key=repr) == sorted(new, key=repr)
        repeated = [unit for unit in found if unit.version]
        assert sorted(repeated, key=repr) == sorted(again, key=repr)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        planned = pipeline | beam.Create(inputs) | PlanUnits(str(root), Wanted(NOW), 1 << 20)
        assert_that(planned, check)


def test_an_empty_output_makes_everything_new_and_once(tmp_path: Path) -> None:
    line = Failure("input", "read", "f" * 32, "m.jsonl", "InputError", "line 3: no")
    inputs: list[Input] = [*(AudioRef(f"/{index}.wav", 1) for index in range(20)), line]
    new = [Task(item) for item in inputs]
    check_plan(tmp_path / "none", [*inputs, *inputs[:5], line], new, [])


def test_stale_inputs_go_back_to_their_units_and_the_others_stay(tmp_path: Path) -> None:
    refs = [AudioRef(f"/{index}.wav", 1) for index in range(6)]
    for unit, members in (("a", refs[:3]), ("b", refs[3:5])):
        layers = [OLD if ref in refs[1:4] else NOW for ref in members]
        sources = {
            ref.source_id: state(ref, each) for ref, each in zip(members, layers, strict=True)
        }
        for version in (1, 2, 3):
            write_commit(str(tmp_path), Commit(unit, sources, {}, version=version))
    listed: list[Input] = [refs[0], refs[1], refs[3], refs[4], refs[5]]  # one is not listed
    again = [
        Unit(unit, (Task(ref, FromRows(ref.source_id, only_rules=True)),), version=3)
        for unit, ref in (("a", refs[1]), ("b", refs[3]))
    ]
    check_plan(tmp_path, listed, [Task(refs[5])], again)


def test_lines_that_contradict_one_another_are_one_failed_input(tmp_path: Path) -> None:
    lines = [AudioRef("/a.wav", 1, reference_text=text, stated_in=text) for text in "xyx"]
    other = AudioRef("/a.wav", 1, reference_text="z", channel=0)
    found: list[Task] = []

    def check(units: list[Unit]) -> None:
        found.extend(task for unit in units for task in unit.tasks)
        assert {task.source_id for task in found} == {lines[0].source_id, other.source_id}
        (failed,) = (task.item for task in found if isinstance(task.item, Failure))
        assert failed.message.startswith("x and y are about the same input and differ in text")

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        inputs = pipeline | beam.Create([*lines, other])
        assert_that(inputs | PlanUnits(str(tmp_path), Wanted(NOW), 1 << 20), check)
