"""The work on one unit, from inputs to rows; segments of several recordings share batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from beam_audio.errors import ModelError
from beam_audio.types import Failure, Transcript
from beam_audio.unit import rows
from beam_audio.unit.batching import batches, read_ahead
from beam_audio.unit.clock import StageClock
from beam_audio.unit.prepare import (
    Event,
    KnownInput,
    PreparedSegment,
    PrepareSettings,
    RecordingEnd,
    prepare,
)
from beam_audio.unit.recognise import PassageBuilder, passage_seconds, recognise_passages
from beam_audio.unit.recut import redo
from beam_audio.unit.results import Outcome, StoredAudio, outcome_of
from beam_audio.unit.stored_rows import StoredRecording, StoredUnit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.output.parts import PartWriter
    from beam_audio.unit.progress import Progress
    from beam_audio.unit.tasks import Task

Passage = tuple[PreparedSegment, ...]
"""Segments of one recording that are heard in one piece."""


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """Everything the rows of a unit depend on, and how large a batch may be.

    Attributes:
        prepare: Decoding, channels and segmentation.
        rows: Normaliser, rules, partition keys and identities that enter the rows.
        language: ``auto``, ``from_manifest`` or an ISO 639 code.
        batch_seconds: Budget of padded seconds a batch.
    """

    prepare: PrepareSettings
    rows: rows.RowSettings
    language: str = "auto"
    batch_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What the recogniser was given: batches, clips, their seconds, and seconds once padded.

    A clip is a passage: one segment or several.
    """

    batches: int = 0
    clips: int = 0
    clip_seconds: float = 0.0
    padded_seconds: float = 0.0


@dataclass(slots=True)
class _OpenRecording:
    """Results of a recording whose end has not been reached."""

    waiting: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    end: RecordingEnd | None = None


class UnitWork:
    """Turns inputs into rows and keeps account of what became of each.

    Args:
        settings: What the rows depend on.
        recognizer: The model.
        writer: Where rows go.
        clips: A file for encoded audio on its way to its row.
        progress: Where finished work is counted.
        stored: Rows there are, of a unit that is done again.

    Attributes:
        clock: Seconds by stage.
        counts: What the recogniser was given.
        failed_sources: Inputs that came to nothing.
        known: Inputs that have rows elsewhere, and the recordings these are of.
        contents: sha256 of each input that was recorded.
        recording_ids: Recordings of each.
        failed_segments: Segments that failed of each.
        decoded_seconds: Source seconds decoded, each counted once.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        settings: UnitSettings,
        recognizer: Recognizer,
        *,
        writer: PartWriter,
        clips: IO[bytes],
        progress: Progress,
        stored: StoredUnit | None,
    ) -> None:
        self.clock = StageClock()
        self.counts = BatchCounts()
        self.failed_sources: set[str] = set()
        self.known: dict[str, tuple[str, ...]] = {}
        self.contents: dict[str, str] = {}
        self.recording_ids: defaultdict[str, set[str]] = defaultdict(set)
        self.failed_segments: Counter[str] = Counter()
        self.decoded_seconds = 0.0
        self._settings = settings
        self._recognizer = recognizer
        self._writer = writer
        self._clips = clips
        self._progress = progress
        self._stored = stored
        self._open: dict[str, _OpenRecording] = {}

    def run(self, tasks: Iterable[Task]) -> None:
        """Do all of it.

        Raises:
            ModelError: The recogniser fails on everything, even on silence.
            StoreError: A file cannot be written.
        """
        with read_ahead(
            self._events(tasks),
            seconds=_event_seconds,
            # A batch's worth: what is decoded while one is recognised makes the next.
            budget_seconds=self._settings.batch_seconds,
        ) as events:
            for batch in batches(
                self._passages(events),
                seconds=passage_seconds,
                cost=self._cost_seconds,
                budget_seconds=self._settings.batch_seconds,
            ):
                self._recognise(batch)

    def _cost_seconds(self, passage: Passage) -> float:
        return self._recognizer.cost_seconds(passage_seconds(passage))

    def _events(self, tasks: Iterable[Task]) -> Iterator[Event | StoredRecording]:
        prepared = self._settings.prepare
        for task in tasks:
            ref = task.item
            if isinstance(ref, Failure):
                yield ref
                continue
            before = self._stored.recordings(task.replaces, ref) if self._stored else []
            if not before or task.redo is None or task.redo == "audio":
                yield from prepare(ref, prepared, self.clock, task.known)
            elif task.redo == "rows" and not task.is_touched:
                yield from before
            else:
                yield from redo(ref, before, task.redo, prepared, self.clock)

    def _passages(self, events: Iterable[Event | StoredRecording]) -> Iterator[Passage]:
        """Pass on passages of segments fit to recognise; keep account of everything else."""
        builder = PassageBuilder[PreparedSegment](self._recognizer.passage_seconds)
        for event in events:
            if isinstance(event, Failure):
                self._fail_input(event)
            elif isinstance(event, KnownInput):
                self.known[event.source_id] = event.recording_ids
                self._progress.add(inputs=1)
            elif isinstance(event, StoredRecording):
                self._finish(event.end, event.outcomes)
            elif isinstance(event, RecordingEnd):
                if passage := builder.end(event.source.recording_id):
                    yield passage
                self.decoded_seconds += self._source_seconds(event)
                recording = self._recording(event.source.recording_id)
                recording.end = event
                self._finish_if_complete(recording)
            else:
                self._recording(event.source.recording_id).waiting += 1
                language = self._language(event)
                known = self._recognizer.languages
                if language is not None and known and language not in known:
                    self._settle(event, _wrong_language(language, self._recognizer))
                elif passage := builder.add(event):
                    yield passage

    def _recording(self, recording_id: str) -> _OpenRecording:
        return self._open.setdefault(recording_id, _OpenRecording())

    def _language(self, item: PreparedSegment) -> str | None:
        if self._settings.language == "from_manifest":
            return item.source.ref.language
        return None if self._settings.language == "auto" else self._settings.language

    def _recognise(self, batch: list[Passage]) -> None:
        languages = [self._language(passage[0]) for passage in batch]
        with self.clock.stage("recognise"):
            results = recognise_passages(self._recognizer, batch, languages)
        self.counts = BatchCounts(
            self.counts.batches + 1,
            self.counts.clips + len(batch),
            self.counts.clip_seconds + sum(map(passage_seconds, batch)),
            self.counts.padded_seconds + len(batch) * max(map(self._cost_seconds, batch)),
        )
        for passage, heard in zip(batch, results, strict=True):
            for item, result in zip(passage, heard, strict=True):
                self._settle(item, result)

    def _settle(self, item: PreparedSegment, result: Transcript | Exception) -> None:
        stored = None
        if item.encoded is not None:
            stored = StoredAudio(self._clips.seek(0, 2), len(item.encoded))
            self._clips.write(item.encoded)
        recording = self._recording(item.source.recording_id)
        recording.waiting -= 1
        recording.outcomes.append(outcome_of(item, result, stored))
        self._finish_if_complete(recording)

    def _finish_if_complete(self, recording: _OpenRecording) -> None:
        end = recording.end
        if end is None or recording.waiting:
            return
        del self._open[end.source.recording_id]
        ordered = sorted(recording.outcomes, key=lambda outcome: outcome.segment.segment_index)
        self._finish(end, ordered)

    def _finish(self, end: RecordingEnd, outcomes: Sequence[Outcome]) -> None:
        source_id = end.source.ref.source_id
        self.recording_ids[source_id].add(end.source.recording_id)
        self.contents[source_id] = end.source.content_sha256
        self.failed_segments[source_id] += sum(each.transcript is None for each in outcomes)
        failures = []
        with self.clock.stage("write"):
            for table, keys, row in rows.recording_rows(
                end, outcomes, self._settings.rows, self._clips
            ):
                self._writer.write(table, keys, row)
                if table == "failures":
                    failures.append(str(row["error_type"]))
        self._progress.add(
            inputs=self._is_first(end),
            decoded_seconds=self._source_seconds(end),
            failures=failures,
        )

    def _source_seconds(self, end: RecordingEnd) -> float:
        """Seconds of a recording, those of its first channel alone when channels are split."""
        return end.decoded_samples / end.source.format.sample_rate_hz * self._is_first(end)

    def _is_first(self, end: RecordingEnd) -> bool:
        """Whether a recording is the only one of its input, or that of its first channel."""
        is_split = self._settings.prepare.channels == "split"
        return not is_split or end.source.channel in (None, 0)

    def _fail_input(self, failure: Failure) -> None:
        self.failed_sources.add(failure.source_id)
        self._writer.write(*rows.failure_row(failure))
        self._progress.add(inputs=1, failures=[failure.error_type])


def _event_seconds(event: Event | StoredRecording) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0


def _wrong_language(language: str, recognizer: Recognizer) -> ModelError:
    known = ", ".join(sorted(recognizer.languages)[:8])
    return ModelError(
        f"{recognizer.model_id} does not know language {language!r} (it knows {known}, …); "
        "use --language=auto or a multilingual model"
    )
