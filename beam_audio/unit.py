"""A unit of inputs from references to committed rows: alone in a loop or inside a Beam worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Self

from beam_audio import store
from beam_audio.commits import Commit, SourceState, part_id, read_commit, unit_id, write_commit
from beam_audio.parts import PartWriter
from beam_audio.stored import StoredUnit, carry
from beam_audio.types import AudioRef
from beam_audio.unit_work import BatchCounts, UnitWork

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.staleness import Task
    from beam_audio.unit_work import Progress, UnitSettings


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


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A unit's commit record, and what it took when it was not committed before."""

    commit: Commit
    batches: BatchCounts = field(default_factory=BatchCounts)
    was_committed: bool = False


def transcribe_unit(  # noqa: PLR0913 - keyword arguments
    unit: Unit,
    *,
    settings: UnitSettings,
    recognizer: Recognizer,
    root: str,
    progress: Progress,
    run_id: str = "",
) -> UnitReport:
    """Decode, segment, measure, recognise and write a unit, and commit it last.

    A unit that is committed already is not done again, nor is an input whose recordings a task
    names as known. Of a unit that is committed in the very version the tasks are for, the rows of
    all other inputs are copied; the old part files count until the new record stands. Failures of
    inputs, recordings and segments become rows.

    Raises:
        StoreError: The output cannot be written.
        ModelError: The recogniser fails on everything, even on silence.
    """
    before = read_commit(root, unit.unit_id)
    if before is not None and before.version > unit.version:
        return UnitReport(before, was_committed=True)
    version = unit.version + 1
    audio = settings.prepare.store_audio != "none"
    name = part_id(unit.unit_id, version)
    with PartWriter(root, name, audio=audio) as writer, TemporaryFile() as clips:
        stored = None
        if before is not None:
            wanted = {task.replaces for task in unit.tasks}
            stored = StoredUnit(root, before, wanted, clips)
        work = UnitWork(
            settings, recognizer, writer=writer, clips=clips, progress=progress, stored=stored
        )
        work.run(unit.tasks)
        sources = {task.source_id: _state(task, work, settings) for task in unit.tasks}
        with work.clock.stage("write"):
            if before is not None and stored is not None:
                replaced = {task.replaces for task in unit.tasks if _replaces(task, work, stored)}
                carry(root, before, writer, replaced)
                kept = before.sources.keys() - replaced
                sources = {each: before.sources[each] for each in kept} | sources
            files = writer.publish()
        commit = Commit(
            unit_id=unit.unit_id,
            sources=sources,
            layout=settings.rows.layout(),
            files=files,
            rows=dict(writer.rows),
            decoded_seconds=work.decoded_seconds,
            stage_seconds={stage: round(took, 6) for stage, took in work.clock.seconds.items()},
            provider=recognizer.provider,
            version=version,
            run_id=run_id,
        )
        write_commit(root, commit)
    for name in set(before.files if before else ()) - set(files):
        store.delete(store.join(root, name))
    return UnitReport(commit, work.counts)


def _replaces(task: Task, work: UnitWork, stored: StoredUnit) -> bool:
    """Whether the stored rows give way: not those of other content, found at the same place."""
    if not task.is_touched:
        return True
    found = work.contents.get(task.source_id)
    return found is not None and found in stored.contents(task.replaces)


def _state(task: Task, work: UnitWork, settings: UnitSettings) -> SourceState:
    source_id = task.source_id
    ref = task.item if isinstance(task.item, AudioRef) else None
    known = work.known.get(source_id, ())
    recorded = work.recording_ids.get(source_id, ())
    return SourceState(
        outcome="known" if known else "recorded" if recorded else "failed",
        place_id=task.item.place_id,
        claims_id=ref.claims_id if ref else "",
        stated_language=ref.language if ref else None,
        layers=settings.rows.layers,
        recording_ids=tuple(sorted(known or recorded)),
        failed_segments=work.failed_segments[source_id],
        attempt=task.item.attempt,
    )
