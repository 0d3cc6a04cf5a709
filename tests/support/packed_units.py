"""Tasks of given sizes, and the check of the units they are packed into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.types import AudioRef, Failure
from beam_audio.unit.packing import MAX_UNIT_INPUTS, size_bytes
from beam_audio.unit.tasks import Task

if TYPE_CHECKING:
    from beam_audio.unit.transcribe import Unit


def tasks_of(sizes: list[int]) -> list[Task]:
    """A task for each size in bytes."""
    return [Task(AudioRef(f"/{index}.wav", size)) for index, size in enumerate(sizes)]


def failed_task(name: str) -> Task:
    """The task of an input that could not be read; its name is a number."""
    failed = Failure(
        unit="input",
        stage="read",
        source_id=f"{int(name):032x}",
        uri="m",
        error_type="E",
        message="",
    )
    return Task(failed)


def check_units(units: list[Unit], tasks: list[Task], unit_bytes: int) -> None:
    """Check that every task is in one unit, and that no unit is too large."""
    found = [task.source_id for unit in units for task in unit.tasks]
    assert sorted(found) == sorted(task.source_id for task in tasks)
    assert len({unit.unit_id for unit in units}) == len(units)
    for unit in units:
        assert unit.version == 0
        assert 1 <= len(unit.tasks) <= MAX_UNIT_INPUTS
        assert len(unit.tasks) == 1 or sum(map(size_bytes, unit.tasks)) <= unit_bytes
