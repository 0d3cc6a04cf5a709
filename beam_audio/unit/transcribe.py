"""A unit of inputs from references to committed rows: alone in a loop or inside a Beam worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Self

from beam_audio import store
from beam_audio.output.commits import (
    Commit,
    InputState,
    is_shared,
    part_id,
    read_commit,
    unit_id,
    write_commit,
)
from beam_audio.output.parts import PartWriter, carry
from beam_audio.types import AudioRef, stable_id
from beam_audio.unit.progress import Progress
from beam_audio.unit.stored_rows import StoredUnit
from beam_audio.unit.work import BatchCounts, UnitWork

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.unit.tasks import Task
    from beam_audio.unit.work import UnitSettings


@dataclass(frozen=True, slots=True)
class Unit:
    """Inputs that are done and committed together.

    Attributes:
        unit_id: Its name.
        tasks: The inputs to do; others that a committed unit holds keep their rows.
        version: That of the commit which is replaced, 0 when there is none.
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
        root: The output folder.
        progress: Where finished work is counted.
        run_id: Name of the run.
    """

    settings: UnitSettings
    recognizer: Recognizer
    root: str
    progress: Progress = field(default_factory=Progress)
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A unit's commit record, and what it took when it was not committed before."""

    commit: Commit
    batches: BatchCounts = field(default_factory=BatchCounts)
    was_committed: bool = False


def transcribe_unit(unit: Unit, run: UnitRun) -> UnitReport:
    """Decode, segment, measure, recognise and write a unit, and commit it last.

    A unit that is committed already is not done again, nor is an input whose recordings a task
    names as known. Of a unit that is committed in the very version the tasks are for, the rows of
    all other inputs are copied; the old part files count until the new record stands. When another
    writer committed the unit meanwhile, its record stays and what was written here goes. Failures
    of inputs, recordings and segments become rows.

    Raises:
        StoreError: The output cannot be written.
        ModelError: The recogniser fails on everything, even on silence.
    """
    before = read_commit(run.root, unit.unit_id)
    if before is not None and before.version > unit.version:
        return UnitReport(before, was_committed=True)
    try:
        return _transcribe(unit, before, run)
    except Exception:
        # The rows that were to be taken over may have gone with another writer's commit.
        standing = read_commit(run.root, unit.unit_id)
        if standing is None or standing.version <= unit.version:
            raise
        return UnitReport(standing, was_committed=True)


def _transcribe(unit: Unit, before: Commit | None, run: UnitRun) -> UnitReport:
    """Do a unit whose record is ``before``, and commit it unless another writer was faster."""
    root, settings = run.root, run.settings
    version = unit.version + 1
    audio = settings.prepare.store_audio != "none"
    name = part_id(unit.unit_id, version, _work_id(unit, settings, run.recognizer))
    with PartWriter(root, name, audio=audio) as writer, TemporaryFile() as clips:
        stored = None
        if before is not None:
            wanted = {task.replaces for task in unit.tasks}
            stored = StoredUnit(root, before, wanted, clips)
        work = UnitWork(
            settings,
            run.recognizer,
            writer=writer,
            clips=clips,
            progress=run.progress,
            stored=stored,
        )
        work.run(unit.tasks)
        sources = {task.source_id: _state(task, work, settings) for task in unit.tasks}
        with work.clock.stage("write"):
            if before is not None and stored is not None:
                replaced = {task.replaces for task in unit.tasks if _replaces(task, work, stored)}
                carry(root, before, writer, replaced)
                kept = before.sources.keys() - replaced
                sources = {each: before.sources[each] for each in kept} | sources
            files = writer.finish()
        commit = Commit(
            unit_id=unit.unit_id,
            sources=sources,
            layout=settings.rows.layout(),
            files=files,
            rows=dict(writer.rows),
            decoded_seconds=work.decoded_seconds,
            stage_seconds={stage: round(took, 6) for stage, took in work.clock.seconds.items()},
            provider=run.recognizer.provider,
            version=version,
            run_id=run.run_id,
        )
        standing = write_commit(root, commit)
    lost = standing is not commit  # to another writer: what was done here does not count
    replaced_files = files if lost else before.files if before else ()
    superfluous = set(replaced_files) - set(standing.files)
    store.delete(*[store.join(root, each) for each in superfluous if not is_shared(each)])
    return UnitReport(standing, work.counts, was_committed=lost)


def _work_id(unit: Unit, settings: UnitSettings, recognizer: Recognizer) -> str:
    """Hash of all that the rows of a version depend on, but for what stands in the one before."""
    tasks = [
        (task.source_id, task.item.attempt, task.redo, task.replaces, task.known, _stated_id(task))
        for task in unit.tasks
    ]
    return stable_id(tasks, settings.rows.layers, settings.rows.layout(), recognizer.provider)


def _replaces(task: Task, work: UnitWork, stored: StoredUnit) -> bool:
    """Whether the stored rows give way: not those of other content, found at the same place."""
    if not task.is_touched:
        return True
    found = work.contents.get(task.source_id)
    return found is not None and found in stored.contents(task.replaces)


def _stated_id(task: Task) -> str:
    return task.item.stated_id if isinstance(task.item, AudioRef) else ""


def _state(task: Task, work: UnitWork, settings: UnitSettings) -> InputState:
    source_id = task.source_id
    ref = task.item if isinstance(task.item, AudioRef) else None
    known = work.known.get(source_id, ())
    recorded = work.recording_ids.get(source_id, ())
    return InputState(
        outcome="known" if known else "recorded" if recorded else "failed",
        place_id=task.item.place_id,
        stated_id=_stated_id(task),
        stated_language=ref.language if ref else None,
        layers=settings.rows.layers,
        recording_ids=tuple(sorted(known or recorded)),
        failed_segments=work.failed_segments[source_id],
        attempt=task.item.attempt,
    )
