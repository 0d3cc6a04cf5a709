"""The plan of some inputs: new ones are packed into units, others go back to theirs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.unit.packing import pack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.unit.tasks import Committed, Input, Task, Wanted
    from beam_audio.unit.transcribe import Unit


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to do of some inputs.

    Attributes:
        new: Units of inputs that have no rows.
        again: Tasks that repeat part of a committed unit: its id, its version, and the task.
    """

    new: list[Unit]
    again: list[tuple[str, int, Task]]

    @property
    def inputs(self) -> int:
        """Number of inputs to do."""
        return sum(len(unit.tasks) for unit in self.new) + len(self.again)


def plan(
    inputs: Iterable[Input],
    committed: Iterable[tuple[str, Committed]],
    wanted: Wanted,
    unit_bytes: int,
) -> Plan:
    """Compare inputs with what is committed; inputs listed twice count once.

    Args:
        inputs: Inputs, all of those at one place among them.
        committed: What was ever committed at their places, each with its place.
        wanted: The configuration that the rows should have.
        unit_bytes: Encoded bytes per unit.
    """
    listed: defaultdict[str, list[Input]] = defaultdict(list)
    for item in inputs:
        listed[item.place_id].append(item)
    done: defaultdict[str, list[Committed]] = defaultdict(list)
    for place_id, each in committed:
        done[place_id].append(each)
    new: list[Task] = []
    again: list[tuple[str, int, Task]] = []
    for place_id, items in listed.items():
        for unit, task in wanted.tasks(items, done[place_id]):
            if unit is None:
                new.append(task)
            else:
                again.append((unit.unit_id, unit.version, task))
    return Plan(list(pack(new, unit_bytes)), again)
