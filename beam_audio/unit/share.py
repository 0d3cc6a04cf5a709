"""A share of a long recording: one worker recognises what begins in some parts, and saves it.

A detector of speech hears what was before, so each worker decodes and searches from the start. It
measures and recognises its own parts alone. Whoever has the unit writes the rows; see
:mod:`beam_audio.unit.long_recordings`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Final

from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.output.commits import read_commit
from beam_audio.types import AudioRef
from beam_audio.unit.batching import batches
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment, RecordingEnd
from beam_audio.unit.headers import header_request, header_seconds
from beam_audio.unit.hearing import Hearing
from beam_audio.unit.in_flight import in_flight
from beam_audio.unit.long_recordings import LongRecordings
from beam_audio.unit.prepare import prepare
from beam_audio.unit.read_ahead import read_ahead
from beam_audio.unit.recognise import PassageBuilder, language_failure, passage_seconds
from beam_audio.unit.recut import FromAudio
from beam_audio.unit.results import outcome_of
from beam_audio.unit.scratch import append_bytes, unit_scratch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.unit.hearing import Passage
    from beam_audio.unit.recut import RedoEvent
    from beam_audio.unit.tasks import Task
    from beam_audio.unit.transcribe import Unit, UnitRun
    from beam_audio.unit.unit_settings import UnitSettings

FEWEST_PARTS: Final = 4
"""Parts of a share at least: each worker decodes the recording from its start."""
_LEAST_BYTES_A_SECOND: Final = 2_000
"""Of a smaller file no header is read: at 16 kbit/s it is too short for two shares."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker recognises of an input.

    Attributes:
        unit: The unit that the input is in.
        task: The input.
        first: Its first part.
        stop: The part after its last; None for the end of the recording.
    """

    unit: Unit
    task: Task
    first: int
    stop: int | None


def shares_of(unit: Unit, settings: UnitSettings, workers: int) -> list[Share]:
    """The shares of the long recordings of a unit; empty if it has none.

    The length is what is stated for a cut or in the manifest, else what the header says. Without
    either a recording is not shared.

    Raises:
        MachineError: A store does not answer.
    """
    shares: list[Share] = []
    for task in unit.tasks:
        seconds = _stated_seconds(task, settings)
        parts = math.ceil(seconds / settings.part_seconds)
        starts = starts_of_shares(parts, workers)
        if len(starts) > 1:
            stops = [*starts[1:], None]  # the header may be wrong about the end
            shares += [Share(unit, task, *each) for each in zip(starts, stops, strict=True)]
    return shares


def starts_of_shares(parts: int, workers: int) -> list[int]:
    """The first part of each share of a recording; one share if it is not shared.

    Args:
        parts: Parts of the recording.
        workers: How many may share it.
    """
    count = max(1, min(workers, parts // FEWEST_PARTS))
    return [round(parts * number / count) for number in range(count)]


def do_share(share: Share, run: UnitRun) -> None:
    """Recognise a share and save it, unless its unit is committed. What fails is left to the unit.

    Raises:
        StoreError: The output cannot be written.
        ModelError: The recogniser fails on everything, even on silence.
        MachineError: The machine is at fault.
    """
    before = read_commit(run.root, share.unit.unit_id)
    if before is not None and before.version > share.unit.version:
        return
    ref = share.task.item
    if not isinstance(ref, AudioRef) or language_failure(run.recognizer, ref):
        return
    settings = run.settings
    prepared = replace(settings.prepare, forgotten=read_forgotten(run.root))
    if prepared.forgotten.has_address(ref):
        return
    run = replace(run, settings=replace(settings, prepare=prepared))
    with unit_scratch() as scratch_file:
        _recognise(share, ref, run, scratch_file)


def _recognise(share: Share, ref: AudioRef, run: UnitRun, scratch_file: IO[bytes]) -> None:
    settings, clock = run.settings, StageClock()
    key = settings.work_key(run.root, run.recognizer.provider)
    long = LongRecordings(key, settings.prepare.channels, [share.task], scratch_file, share.first)
    if long.whole(share.task):
        return
    hearing = Hearing(
        recognizer=run.recognizer,
        second=run.second,
        language=settings.language,
        batch_seconds=settings.batch_seconds,
        clock=clock,
        device=run.device,
    )
    events = prepare(ref, settings.prepare, clock, share.task.known, long.measured_from)
    breaks: set[str] = set()
    ahead = read_ahead(
        [long.noted(share.task, events)],
        seconds=_event_seconds,
        budget_seconds=hearing.budget_seconds,
        clock=clock,
    )
    with ahead as ready:
        ready_batches = batches(
            _new(_passages(ready, share, long, run), long, breaks),
            seconds=passage_seconds,
            cost=hearing.cost_seconds,
            budget_seconds=hearing.budget_seconds,
            is_break=lambda passage: passage[0].segment.segment_id in breaks,
        )
        for batch, results in in_flight(ready_batches, hearing.hear, hearing.at_a_time):
            for passage, heard in zip(batch, results, strict=True):
                for item, (result, second) in zip(passage, heard, strict=True):
                    audio = append_bytes(scratch_file, item.encoded) if item.encoded else None
                    long.settle(outcome_of(item, result, audio, second))


def _stated_seconds(task: Task, settings: UnitSettings) -> float:
    """Length of an input as far as it is known before it is decoded; 0 if it is not shared."""
    ref = task.item
    if not isinstance(ref, AudioRef) or not isinstance(task.redo, FromAudio | None) or task.known:
        return 0.0
    stated = ref.duration_seconds or ref.manifest_seconds
    shortest = 2 * FEWEST_PARTS * settings.part_seconds
    if stated is not None or ref.size_bytes < shortest * _LEAST_BYTES_A_SECOND:
        return stated or 0.0
    return header_seconds(ref, header_request(settings.prepare)) or 0.0


def _passages(
    events: Iterable[RedoEvent], share: Share, long: LongRecordings, run: UnitRun
) -> Iterator[Passage]:
    """The passages of a share; of an input that is one recording nothing is decoded after them."""
    prepared = run.settings.prepare
    is_one = prepared.channels != "split" and prepared.tracks != "all"
    builder = PassageBuilder[PreparedSegment](run.recognizer.passage_seconds)
    for event in events:
        match event:
            case PreparedSegment():
                passage = builder.add(event)
            case RecordingEnd():
                passage = builder.end(event.source.recording_id)
            case _:
                continue
        number = long.number(passage) if passage else share.first
        if share.stop is not None and number >= share.stop:
            long.leave(passage[0].source.recording_id, share.stop)
            if is_one:
                return
        elif passage and number >= share.first:
            yield passage
        if isinstance(event, RecordingEnd):
            long.end(event)


def _new(passages: Iterable[Passage], long: LongRecordings, breaks: set[str]) -> Iterator[Passage]:
    """Passages that were not saved before; those that begin a part are put into ``breaks``."""
    for passage in passages:
        if long.begin(passage):
            breaks.add(passage[0].segment.segment_id)
        known = long.known(passage)
        for outcome in known:
            long.settle(outcome)
        if not known:
            yield long.measured(passage)


def _event_seconds(event: object) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0
