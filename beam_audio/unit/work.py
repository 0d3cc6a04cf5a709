"""The work on one unit, from inputs to rows; segments of several recordings share batches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

from beam_audio.errors import ConfigError, StoreError
from beam_audio.types import AudioRef, Failure
from beam_audio.unit import rows
from beam_audio.unit.batching import BatchCounts, batches
from beam_audio.unit.events import ForgottenInput, KnownInput, PreparedSegment, RecordingEnd
from beam_audio.unit.file_copies import FileCopies
from beam_audio.unit.hearing import Hearing
from beam_audio.unit.in_flight import in_flight
from beam_audio.unit.input_result import InputResult, require_access
from beam_audio.unit.layers import made_layers
from beam_audio.unit.long_recordings import LongRecordings
from beam_audio.unit.prepare import prepare
from beam_audio.unit.read_ahead import ONE_THREAD, places_of_cores, read_ahead
from beam_audio.unit.recognise import PassageBuilder, language_failure, passage_seconds
from beam_audio.unit.recut import Before, MeasuredRecording, Unreadable
from beam_audio.unit.results import OpenRecording, Outcome, outcome_of
from beam_audio.unit.scoring import recording_failure
from beam_audio.unit.scratch import append_bytes
from beam_audio.unit.spooled_list import SpooledList
from beam_audio.unit.stored_rows import StoredRecording, StoredUnit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.output.commits import InputState
    from beam_audio.output.parts import PartWriter
    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.device_clock import DeviceClock
    from beam_audio.unit.hearing import Heard, Passage
    from beam_audio.unit.progress import Progress
    from beam_audio.unit.recognise import Result
    from beam_audio.unit.recut import RedoEvent
    from beam_audio.unit.tasks import Task
    from beam_audio.unit.unit_settings import UnitSettings


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What the work on a unit came to; its rows are with the writer.

    Attributes:
        states: What became of each input, by source id.
        contents: sha256 of the bytes of each input, by source id; empty if it was not recorded.
        counts: What the recogniser was given.
        decoded_seconds: Source seconds decoded; the channels of a recording count once.
        forgotten: Inputs that are forgotten; they have no state and no rows.
        saved: Folders of saved work that is not needed once this is committed.
    """

    states: dict[str, InputState]
    contents: dict[str, str]
    counts: BatchCounts
    decoded_seconds: float
    forgotten: tuple[AudioRef, ...] = ()
    saved: frozenset[str] = frozenset()


class UnitWork:
    """Turns the inputs of one unit into rows; it is used once.

    Args:
        settings: What the rows depend on.
        recognizer: The model.
        second: The model that gives a second opinion; None for none.
        root: The output folder, for work on long recordings.
        writer: Where rows go.
        scratch_file: A temporary file for what is on its way to its row.
        stored: The stored rows of inputs that are done again; None for a new unit.
        clock: Where the time spent is added up.
        device: Where the time of the recogniser is added up.
        progress: Where finished work is counted.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        settings: UnitSettings,
        recognizer: Recognizer,
        *,
        second: Recognizer | None,
        root: str,
        writer: PartWriter,
        scratch_file: IO[bytes],
        stored: StoredUnit | None,
        clock: StageClock,
        device: DeviceClock,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._recognizer = recognizer
        self._root = root
        self._hearing = Hearing(
            recognizer=recognizer,
            second=second,
            language=settings.language,
            batch_seconds=settings.batch_seconds,
            clock=clock,
            device=device,
        )
        self._writer = writer
        self._scratch_file = scratch_file
        self._stored = stored
        self._clock = clock
        self._progress = progress
        self._passages = PassageBuilder[PreparedSegment](recognizer.passage_seconds)
        self._open: defaultdict[str, OpenRecording] = defaultdict(
            lambda: OpenRecording(SpooledList(scratch_file))
        )
        self._found: defaultdict[str, InputResult] = defaultdict(InputResult)
        self._forgotten: dict[str, AudioRef] = {}
        self._breaks: set[str] = set()
        self._counts = BatchCounts()
        self._decoded_seconds = 0.0

    def run(self, tasks: Sequence[Task]) -> UnitResult:
        """Do all of the tasks.

        Raises:
            ModelError: The recogniser fails on everything, even on silence.
            StoreError: A file cannot be written.
            MachineError: The machine is at fault, or forbids everything.
        """
        refs = [task.item for task in tasks if isinstance(task.item, AudioRef)]
        with FileCopies(refs) as copies:
            prepared = replace(self._settings.prepare, opener=copies.open)
            self._settings = replace(self._settings, prepare=prepared)
            return self._run(tasks)

    def _run(self, tasks: Sequence[Task]) -> UnitResult:
        settings, hearing = self._settings, self._hearing
        budget = hearing.budget_seconds
        key = settings.work_key(self._root, self._recognizer.provider)
        self._long = LongRecordings(key, settings.prepare.channels, tasks, self._scratch_file)
        # A recogniser that takes one batch at a time uses all cores itself.
        at_a_time = self._recognizer.batch_limits.at_a_time
        places = places_of_cores(settings.cores) if at_a_time > 1 else ONE_THREAD
        # While one batch is recognised, the audio of the next one is decoded.
        ahead = read_ahead(
            map(self._events, sorted(tasks, key=lambda task: task.file_id)),
            seconds=_event_seconds,
            budget_seconds=budget,
            places=places,
            clock=self._clock,
        )
        with ahead as events:
            ready = batches(
                filter(None, map(self._take, events)),
                seconds=passage_seconds,
                cost=hearing.cost_seconds,
                budget_seconds=budget,
                is_break=self._begins_part,
            )
            for batch, results in in_flight(ready, hearing.hear, hearing.at_a_time):
                self._settle_batch(batch, results, budget)
        if settings.stops_if_refused:
            require_access(self._found.values())
        found = self._found
        return UnitResult(
            states={
                each.source_id: found[each.source_id].state(each.item, self._layers(each))
                for each in tasks
                if each.source_id not in self._forgotten
            },
            contents={name: each.content_sha256 for name, each in found.items()},
            counts=self._counts,
            decoded_seconds=self._decoded_seconds,
            forgotten=tuple(self._forgotten.values()),
            saved=self._long.folders,
        )

    def _events(self, task: Task) -> Iterator[RedoEvent]:
        """Everything that is found in an input, in order; it is read in another thread."""
        ref = task.item
        if isinstance(ref, Failure):
            is_known = ref.stated is not None and task.known
            yield KnownInput(ref.source_id, task.known) if is_known else ref
        elif self._settings.prepare.forgotten.has_address(ref):
            yield ForgottenInput(ref)
        elif failure := language_failure(self._recognizer, ref):
            yield failure
        else:
            yield from self._long.noted(task, self._events_of(task, ref))

    def _events_of(self, task: Task, ref: AudioRef) -> Iterator[RedoEvent]:
        settings, clock, stored = self._settings.prepare, self._clock, self._stored
        if not task.known and (saved := self._long.whole(task)):
            content = saved[0].end.source.content_sha256
            is_forgotten = settings.forgotten.has_content(ref, content)
            return iter([ForgottenInput(ref)] if is_forgotten else saved)
        recordings = stored.recordings(task.replaces, ref, settings.channels) if stored else []
        if task.redo is None or not recordings:
            return prepare(ref, settings, clock, task.known, self._long.measured_from)
        failed = stored.failed_tracks(task.replaces, ref) if stored else []
        return task.redo.events(Before(ref, recordings, settings, clock, failed))

    def _take(self, event: RedoEvent) -> Passage:
        """Take the next event; return the passage that it completes, empty when it does not."""
        match event:
            case PreparedSegment():
                self._open[event.source.recording_id].waiting += 1
                return self._begun(self._passages.add(event))
            case RecordingEnd():
                return self._take_end(event)
            case StoredRecording():
                self._finish(event.end, event.outcomes)
            case MeasuredRecording():
                self._decoded_seconds += self._source_seconds(event.end)
                self._finish(event.end, event.outcomes)
            case Unreadable():
                self._found[event.source_id].keeps_evidence = True
            case KnownInput():
                self._found[event.source_id].known = event.recording_ids
                self._progress.add(inputs=1)
            case ForgottenInput():
                self._forgotten[event.ref.source_id] = event.ref
                self._progress.add(inputs=1)
            case Failure():
                self._fail_input(event)
        return ()

    def _take_end(self, end: RecordingEnd) -> Passage:
        self._decoded_seconds += self._source_seconds(end)
        recording = self._open[end.source.recording_id]
        recording.end = end
        passage = self._begun(self._passages.end(end.source.recording_id))
        self._long.end(end)
        self._finish_if_complete(recording)
        return passage

    def _begun(self, passage: Passage) -> Passage:
        """A passage that is to be recognised; empty if what it says was saved."""
        if not passage:
            return ()
        if self._long.begin(passage):
            self._breaks.add(passage[0].segment.segment_id)
        known = self._long.known(passage)
        for outcome in known:
            self._settle_outcome(outcome)
        return () if known else self._long.measured(passage)

    def _begins_part(self, passage: Passage) -> bool:
        """Whether all that came before is to be recognised first, so that it can be saved."""
        segment_id = passage[0].segment.segment_id
        begins = segment_id in self._breaks
        self._breaks.discard(segment_id)
        return begins

    def _fail_input(self, failure: Failure) -> None:
        self._found[failure.source_id].fail(failure)
        self._writer.write(*rows.failure_row(failure))
        self._progress.add(inputs=1, failures=[failure.error_type])

    def _settle_batch(
        self, batch: list[Passage], results: list[list[Heard]], budget_seconds: float
    ) -> None:
        if new := [passage for passage in batch if passage[0].transcript is None]:
            self._counts = self._counts.plus(
                [*map(passage_seconds, new)],
                padded_seconds=len(new) * max(map(self._hearing.cost_seconds, new)),
                budget_seconds=budget_seconds,
            )
        for passage, passage_results in zip(batch, results, strict=True):
            for item, (result, second) in zip(passage, passage_results, strict=True):
                self._settle(item, result, second)

    def _settle(self, item: PreparedSegment, result: Result, second: Opinion | None) -> None:
        """Keep the result of a segment, and write its recording if it was the last one."""
        audio = None
        if item.encoded is not None:
            audio = append_bytes(self._scratch_file, item.encoded)
        self._settle_outcome(outcome_of(item, result, audio, second))

    def _settle_outcome(self, outcome: Outcome) -> None:
        recording = self._open[outcome.segment.recording_id]
        recording.waiting -= 1
        recording.add(outcome)
        self._long.settle(outcome)
        self._finish_if_complete(recording)

    def _finish_if_complete(self, recording: OpenRecording) -> None:
        end = recording.end
        if end is None or recording.waiting:
            return
        del self._open[end.source.recording_id]
        self._finish(end, recording.ordered())

    def _finish(self, end: RecordingEnd, outcomes: Sequence[Outcome]) -> None:
        """Write the rows of a complete recording; if they cannot be made, it fails."""
        try:
            with self._clock.stage("write"):
                made = rows.recording_rows(end, outcomes, self._settings.rows, self._scratch_file)
        except (ConfigError, StoreError):
            raise
        except Exception as error:  # noqa: BLE001 - it costs this recording only
            self._fail_input(recording_failure(end.source, error))
            return
        found = self._found[end.source.ref.source_id]
        found.recording_ids.add(end.source.recording_id)
        found.content_sha256 = end.source.content_sha256
        failures = []
        with self._clock.stage("write"):
            for table, keys, row in made:
                self._writer.write(table, keys, row)
                if table == "failures":
                    failures.append(str(row["error_type"]))
                    found.failed_segments += row["unit"] == "segment"
                    found.failed_opinions += row["unit"] == "opinion"
        self._progress.add(
            inputs=self._is_first(end),
            decoded_seconds=self._source_seconds(end),
            failures=failures,
        )

    def _layers(self, task: Task) -> dict[str, str]:
        """Layers of an input's rows, with those that the run does not ask for and that stay."""
        layers, found = self._settings.rows.layers, self._found[task.source_id]
        if self._stored is None or task.redo is None:
            return layers
        if found.content_sha256 not in self._stored.contents(task.replaces):
            return layers
        stored = self._stored.commit.sources[task.replaces].layers
        keeps, adds = task.redo.keeps, not found.keeps_evidence
        return made_layers(layers, stored, keeps, adds_evidence=adds)

    def _source_seconds(self, end: RecordingEnd) -> float:
        """Seconds of a recording; of an input's tracks and channels the first counts."""
        return end.decoded_samples / end.source.format.sample_rate_hz * self._is_first(end)

    def _is_first(self, end: RecordingEnd) -> bool:
        """Whether a recording is that of its input's first track and channel."""
        settings, source = self._settings.prepare, end.source
        is_split = settings.channels == "split" and source.ref.channel is None
        first_track = settings.tracks != "all" or source.track in (None, 0)
        return first_track and (not is_split or source.channel in (None, 0))


def _event_seconds(event: RedoEvent) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0
