"""A unit of inputs from references to committed rows: alone in a loop or inside a Beam worker."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from beam_audio import rows, store
from beam_audio.batching import batches, read_ahead
from beam_audio.errors import ModelError
from beam_audio.parts import PartWriter
from beam_audio.recognition import PassageBuilder, passage_seconds, recognise_passages
from beam_audio.recording import (
    Event,
    KnownRecording,
    PreparedSegment,
    PrepareSettings,
    RecordingEnd,
    StageClock,
    prepare,
)
from beam_audio.types import AudioRef, Failure, Transcript

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from beam_audio.asr.recognizer import Recognizer

Input = AudioRef | Failure
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


@dataclass(frozen=True, slots=True)
class UnitReport:
    """A unit's commit record, and what it took when it was not committed before."""

    commit: store.Commit
    batches: BatchCounts = BatchCounts()
    was_committed: bool = False


class Progress:
    """Running totals of this process, safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.recordings = 0
        self.decoded_seconds = 0.0
        self.failures = 0

    def add(self, *, recordings: int = 0, decoded_seconds: float = 0.0, failures: int = 0) -> None:
        """Count finished work."""
        with self._lock:
            self.recordings += recordings
            self.decoded_seconds += decoded_seconds
            self.failures += failures


def transcribe_unit(  # noqa: PLR0913 - keyword arguments
    inputs: Sequence[Input],
    *,
    settings: UnitSettings,
    recognizer: Recognizer,
    root: str,
    progress: Progress,
    known: Container[str] = (),
) -> UnitReport:
    """Decode, segment, measure, recognise and write a unit, and commit it last.

    A unit that is committed already is not done again, unless one of its inputs is a later
    attempt; nor is an input whose recording is among the ``known`` recording ids. Failures of
    inputs, recordings and segments become rows.

    Raises:
        StoreError: The output cannot be written.
        ModelError: The recogniser fails on everything, even on silence.
    """
    identifier = store.unit_id(item.source_id for item in inputs)
    attempt = max(item.attempt for item in inputs)
    before = store.read_commit(root, identifier)
    if before is not None and attempt <= before.attempt:
        return UnitReport(before, was_committed=True)
    with_audio = settings.prepare.store_audio != "none"
    with PartWriter(root, identifier, audio=with_audio) as writer, TemporaryFile() as clips:
        unit = _Unit(settings, recognizer, writer, clips, progress)
        unit.run(inputs, known)
        with unit.clock.stage("write"):
            files = writer.publish()
        commit = store.Commit(
            unit_id=identifier,
            layout=settings.rows.layout(),
            source_ids=tuple(sorted(item.source_id for item in inputs)),
            failed_source_ids=tuple(sorted(unit.failed_sources)),
            known_source_ids=tuple(sorted(unit.known_sources)),
            recording_ids=tuple(sorted(unit.recording_ids)),
            files=files,
            rows=dict(writer.rows),
            decoded_seconds=unit.decoded_seconds,
            stage_seconds={name: round(took, 6) for name, took in unit.clock.seconds.items()},
            provider=recognizer.provider,
            attempt=attempt,
        )
        store.write_commit(root, commit)
    for name in set(before.files if before else ()) - set(files):
        store.delete(store.join(root, name))
    return UnitReport(commit, unit.counts)


@dataclass(slots=True)
class _OpenRecording:
    """Results of a recording whose end has not been reached."""

    waiting: int = 0
    outcomes: list[rows.Outcome] = field(default_factory=list)
    end: RecordingEnd | None = None


class _Unit:
    """The work on one unit. Segments of several recordings share batches."""

    def __init__(
        self,
        settings: UnitSettings,
        recognizer: Recognizer,
        writer: PartWriter,
        clips: IO[bytes],
        progress: Progress,
    ) -> None:
        self.clock = StageClock()
        self.counts = BatchCounts()
        self.failed_sources: set[str] = set()
        self.known_sources: set[str] = set()
        self.recording_ids: set[str] = set()
        self.decoded_seconds = 0.0
        self._settings = settings
        self._recognizer = recognizer
        self._writer = writer
        self._clips = clips
        self._progress = progress
        self._open: dict[str, _OpenRecording] = {}

    def run(self, inputs: Iterable[Input], known: Container[str]) -> None:
        with read_ahead(
            self._events(inputs, known),
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

    def _events(self, inputs: Iterable[Input], known: Container[str]) -> Iterator[Event]:
        for item in inputs:
            if isinstance(item, Failure):
                yield item
            else:
                yield from prepare(item, self._settings.prepare, self.clock, known)

    def _passages(self, events: Iterable[Event]) -> Iterator[Passage]:
        """Pass on passages of segments fit to recognise; keep account of everything else."""
        builder = PassageBuilder[PreparedSegment](self._recognizer.passage_seconds)
        for event in events:
            if isinstance(event, Failure):
                self._fail_input(event)
            elif isinstance(event, KnownRecording):
                self.known_sources.add(event.source_id)
            elif isinstance(event, RecordingEnd):
                if passage := builder.end(event.source.recording_id):
                    yield passage
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
            stored = rows.StoredClip(self._clips.seek(0, 2), len(item.encoded))
            self._clips.write(item.encoded)
        recording = self._recording(item.source.recording_id)
        recording.waiting -= 1
        recording.outcomes.append(replace(rows.outcome_of(item, result), clip=stored))
        self._finish_if_complete(recording)

    def _finish_if_complete(self, recording: _OpenRecording) -> None:
        end = recording.end
        if end is None or recording.waiting:
            return
        del self._open[end.source.recording_id]
        self.recording_ids.add(end.source.recording_id)
        outcomes = sorted(recording.outcomes, key=lambda outcome: outcome.segment.segment_index)
        with self.clock.stage("write"):
            failures = 0
            for table, keys, row in rows.recording_rows(
                end, outcomes, self._settings.rows, self._clips
            ):
                self._writer.write(table, keys, row)
                failures += table == "failures"
        seconds = end.decoded_samples / end.source.format.sample_rate_hz
        first_channel = (
            end.source.channel in (None, 0) or self._settings.prepare.channels != "split"
        )
        self.decoded_seconds += seconds if first_channel else 0.0
        self._progress.add(
            recordings=1, decoded_seconds=seconds if first_channel else 0.0, failures=failures
        )

    def _fail_input(self, failure: Failure) -> None:
        self.failed_sources.add(failure.source_id)
        self._writer.write(*rows.failure_row(failure))
        self._progress.add(failures=1)


def _event_seconds(event: Event) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0


def _wrong_language(language: str, recognizer: Recognizer) -> ModelError:
    known = ", ".join(sorted(recognizer.languages)[:8])
    return ModelError(
        f"{recognizer.model_id} does not know language {language!r} (it knows {known}, …); "
        "use --language=auto or a multilingual model"
    )
