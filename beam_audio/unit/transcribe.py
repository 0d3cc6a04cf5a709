"""A unit of inputs from references to committed rows: alone in a loop or inside a Beam worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Self

from beam_audio.errors import raise_machine_error
from beam_audio.inputs.tombstones import read_forgotten, write_tombstones
from beam_audio.output.commits import (
    Commit,
    LostTo,
    Written,
    delete_replaced,
    part_id,
    read_commit,
    unit_id,
    write_commit,
)
from beam_audio.output.corrections import read_corrections
from beam_audio.output.parts import PartWriter, carry
from beam_audio.output.saved_work import delete_work
from beam_audio.types import AudioRef, stable_id
from beam_audio.unit.batching import BatchCounts
from beam_audio.unit.clock import StageClock
from beam_audio.unit.device_clock import DeviceClock
from beam_audio.unit.progress import Progress
from beam_audio.unit.scratch import unit_scratch
from beam_audio.unit.stored_rows import StoredUnit
from beam_audio.unit.work import UnitWork

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.output.commits import InputState
    from beam_audio.unit.tasks import Task
    from beam_audio.unit.unit_settings import UnitSettings
    from beam_audio.unit.work import UnitResult


@dataclass(frozen=True, slots=True)
class Unit:
    """Inputs that are done and committed together.

    Attributes:
        unit_id: Its name.
        tasks: The inputs to do; other inputs of a committed unit keep their rows.
        version: Version of the commit that is replaced, 0 when there is none.
    """

    unit_id: str
    tasks: tuple[Task, ...]
    version: int = 0

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> Self:
        """A new unit."""
        ordered = tuple(sorted(tasks, key=lambda task: task.source_id))
        return cls(unit_id(task.source_id for task in ordered), ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRun:
    """What a unit is done with.

    Attributes:
        settings: What the rows depend on.
        recognizer: The model.
        second: The model that gives a second opinion; None for none.
        root: The output folder.
        progress: Where finished work is counted.
        device: Where the time of the recogniser is added up; its units share it.
        run_id: Name of the run.
    """

    settings: UnitSettings
    recognizer: Recognizer
    root: str
    second: Recognizer | None = None
    progress: Progress = field(default_factory=Progress)
    device: DeviceClock = field(default_factory=DeviceClock)
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What became of a unit.

    Attributes:
        commit: Its record.
        batches: What the recogniser was given to make it.
        was_committed: Whether another writer committed it.
        forgotten: Ids of inputs that are forgotten. A unit of nothing else has no record.
    """

    commit: Commit
    batches: BatchCounts = field(default_factory=BatchCounts)
    was_committed: bool = False
    forgotten: tuple[str, ...] = ()


def transcribe_unit(unit: Unit, run: UnitRun) -> UnitReport:
    """Decode, segment, measure, recognise and write a unit, and commit it last.

    Nothing is done if the unit is committed at a later version than the tasks expect. An input
    whose recordings the task names as known is not done again. If the unit is already committed at
    the expected version, rows of its other inputs are copied unchanged; the old part files count
    until the new record is written. If another writer commits the unit meanwhile, its record stays
    and the files written here are deleted. Failures of inputs, recordings and segments become rows.

    Raises:
        StoreError: The output cannot be written.
        ModelError: The recogniser fails on everything, even on silence.
        MachineError: The machine is at fault; nothing is committed.
    """
    before = read_commit(run.root, unit.unit_id)
    if before is not None and before.version > unit.version:
        return UnitReport(before, was_committed=True)
    try:
        return _transcribe(unit, before, run)
    except Exception as error:
        # Another writer's commit may have deleted the rows that were to be copied.
        current = read_commit(run.root, unit.unit_id)
        if current is None or current.version <= unit.version:
            raise_machine_error(error)
            raise
        return UnitReport(current, was_committed=True)


def _transcribe(unit: Unit, before: Commit | None, run: UnitRun) -> UnitReport:
    """Do a unit whose record is ``before``, and commit it unless another writer is faster."""
    known = read_forgotten(run.root)
    prepare = replace(run.settings.prepare, forgotten=known)
    rows = replace(run.settings.rows, corrections=read_corrections(run.root))
    run = replace(run, settings=replace(run.settings, prepare=prepare, rows=rows))
    report, result = _write(unit, before, run)
    forgotten = result.forgotten
    # An address that was not known before is recognised from now on without being opened.
    write_tombstones(run.root, [stone for ref in forgotten for stone in known.tombstones_of(ref)])
    if before is None and not report.commit.sources:
        return report
    present = write_commit(run.root, report.commit)
    delete_work(run.root, result.saved)
    match present:
        case Written():
            delete_replaced(run.root, before.files if before else (), report.commit)
            return report
        case LostTo(other):
            delete_replaced(run.root, report.commit.files, other)
            return replace(report, commit=other, was_committed=True)


def _write(unit: Unit, before: Commit | None, run: UnitRun) -> tuple[UnitReport, UnitResult]:
    """Write the part files of a unit's next version.

    Returns:
        A report whose record names them and is not written yet, and what the work came to.
    """
    settings, clock, version = run.settings, StageClock(), unit.version + 1
    layout = settings.rows.layout()
    with PartWriter(run.root, layout) as writer, unit_scratch() as scratch_file:
        stored = None
        if before is not None:
            stored = StoredUnit(
                run.root, before, {task.replaces for task in unit.tasks}, scratch_file
            )
        result = UnitWork(
            settings,
            run.recognizer,
            second=run.second,
            root=run.root,
            writer=writer,
            scratch_file=scratch_file,
            stored=stored,
            clock=clock,
            device=run.device,
            progress=run.progress,
        ).run(unit.tasks)
        with clock.stage("write"):
            kept = _carry(unit, stored, result, writer) if stored else {}
            # A repeated attempt may fail elsewhere. Files of other rows have other names, so that
            # no attempt changes the files that the record of another one names.
            work_id = stable_id(_work_id(unit, run), writer.content_id)
            files = writer.finish(part_id(unit.unit_id, version, work_id))
    recogniser = run.device.take()
    seconds = clock.seconds | {"device_busy": recogniser.busy, "device_idle": recogniser.idle}
    commit = Commit(
        unit_id=unit.unit_id,
        sources=kept | result.states,
        layout=layout,
        files=files,
        rows=dict(writer.rows),
        decoded_seconds=result.decoded_seconds,
        stage_seconds={stage: round(took, 6) for stage, took in seconds.items()},
        batches=asdict(result.counts),
        provider=run.recognizer.provider,
        version=version,
        run_id=run.run_id,
    )
    forgotten = tuple(ref.source_id for ref in result.forgotten)
    return UnitReport(commit, result.counts, forgotten=forgotten), result


def _carry(
    unit: Unit, stored: StoredUnit, result: UnitResult, writer: PartWriter
) -> dict[str, InputState]:
    """Copy the rows of a unit's other inputs to its next version; returns their states."""
    replaced = {task.replaces for task in unit.tasks if _gives_way(task, result, stored)}
    carry(stored.root, stored.commit, writer, replaced)
    return {name: state for name, state in stored.commit.sources.items() if name not in replaced}


def _gives_way(task: Task, result: UnitResult, stored: StoredUnit) -> bool:
    """Whether a task's stored rows are replaced: they stay if a touched file has other content."""
    if not task.is_touched:
        return True
    return result.contents.get(task.source_id) in stored.contents(task.replaces)


def _work_id(unit: Unit, run: UnitRun) -> str:
    """Hash of everything the rows of a version depend on, except the version before it."""
    rows = run.settings.rows
    tasks = [
        (
            task.source_id,
            task.item.attempt,
            task.redo.name if task.redo else None,
            task.replaces,
            task.known,
            task.item.stated_id if isinstance(task.item, AudioRef) else "",
        )
        for task in unit.tasks
    ]
    return stable_id(tasks, rows.layers, rows.layout(), run.recognizer.provider)
