"""Which tasks share a unit: bounded in bytes and in number, cuts of one file together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from beam_audio.types import AudioRef
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.unit.tasks import Task

MAX_UNIT_INPUTS: Final = 64


def unit_again(unit_id: str, tasks: Iterable[tuple[int, Task]]) -> Unit:
    """The next version of a committed unit, from the tasks that repeat part of it."""
    ordered = sorted(tasks, key=lambda each: each[1].source_id)
    return Unit(unit_id, tuple(task for _, task in ordered), version=ordered[0][0])


def pack(tasks: Iterable[Task], unit_bytes: int) -> Iterator[Unit]:
    """Pack tasks into units of at most ``unit_bytes``, as :func:`into_units` does.

    A runner that repeats this step gets the same units, whether or not they are committed. If
    another unit of the run has committed an input, because files were added meanwhile, the input is
    left to that unit.
    """
    for tasks_of_unit in into_units(tasks, unit_bytes):
        unit = Unit.of(tasks_of_unit)
        kept = [task for task in unit.tasks if task.held_by in {"", unit.unit_id}]
        if kept:
            yield unit if len(kept) == len(unit.tasks) else Unit.of(kept)


def into_units(tasks: Iterable[Task], unit_bytes: int) -> Iterator[list[Task]]:
    """Split tasks into lists, one per unit, in the order of their source ids.

    Cuts of one file stand together. A unit opens the file once, so its size counts once.
    """
    unit: list[Task] = []
    held_bytes = 0
    for task in sorted(tasks, key=lambda task: (task.file_id, task.source_id)):
        is_open = bool(unit) and unit[-1].file_id == task.file_id
        added = 0 if is_open else size_bytes(task)
        if unit and (held_bytes + added > unit_bytes or len(unit) == MAX_UNIT_INPUTS):
            yield unit
            unit, held_bytes, added = [], 0, size_bytes(task)
        unit.append(task)
        held_bytes += added
    if unit:
        yield unit


def size_bytes(task: Task) -> int:
    """Encoded size of an input; 0 for an input that could not be read."""
    return task.item.size_bytes if isinstance(task.item, AudioRef) else 0


def bucket_count(total: tuple[int, int], unit_bytes: int) -> int:
    """Number of hash buckets for a total of (bytes, inputs), so that most buckets are one unit."""
    total_bytes, inputs = total
    return max(1, math.ceil(total_bytes / unit_bytes), math.ceil(inputs / MAX_UNIT_INPUTS))
