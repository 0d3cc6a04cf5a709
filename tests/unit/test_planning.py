"""The plan of a wave."""

from __future__ import annotations

from support.unit_runs import LAYERS

from beam_audio.output.commits import InputState
from beam_audio.types import AudioRef
from beam_audio.unit.planning import plan
from beam_audio.unit.recut import FromRows
from beam_audio.unit.tasks import Committed, Input, Task, Wanted

OLD, NOW = (LAYERS | {"rules": rules} for rules in "12")
REFS = [AudioRef(f"/{number}.wav", 10) for number in range(6)]


def committed(ref: AudioRef, layers: dict[str, str]) -> tuple[str, Committed]:
    state = InputState("recorded", ref.place_id, ref.stated_id, None, layers, ("r",))
    return ref.place_id, Committed("u", 3, ref.source_id, state)


def test_new_inputs_are_packed_stale_ones_go_back_and_others_stay() -> None:
    done = [committed(REFS[0], NOW), committed(REFS[1], OLD)]
    inputs: list[Input] = [*REFS, REFS[2]]
    found = plan(inputs, done, Wanted(NOW), unit_bytes=20)
    assert sorted(len(unit.tasks) for unit in found.new) == [2, 2]
    assert {task.item for unit in found.new for task in unit.tasks} == set(REFS[2:])
    assert found.again == [("u", 3, Task(REFS[1], FromRows(REFS[1].source_id, only_rules=True)))]
    assert found.inputs == 5


def test_units_do_not_depend_on_the_order_of_the_list() -> None:
    forwards = plan(REFS, [], Wanted(NOW), unit_bytes=20)
    backwards = plan(REFS[::-1], [], Wanted(NOW), unit_bytes=20)
    assert sorted(unit.unit_id for unit in forwards.new) == sorted(
        unit.unit_id for unit in backwards.new
    )
