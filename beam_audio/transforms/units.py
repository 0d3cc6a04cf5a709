"""TranscribeUnits: references in, committed rows out, and one report a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio import store
from beam_audio.transforms.group import GroupIntoUnits, Input
from beam_audio.unit import Progress, UnitReport, UnitSettings, transcribe_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beam_audio.asr import Recognizer
    from beam_audio.transforms.transcribe import OnnxAsrModelHandler

PROGRESS = Progress()
"""What this process has finished, for a display beside a local run."""


class TranscribeUnits(beam.PTransform):
    """Drops inputs that are committed, groups the rest into units and writes each unit's rows.

    Inputs are :class:`AudioRef` and :class:`Failure`; the result is one :class:`UnitReport` a unit.
    Only references cross a shuffle.

    Args:
        settings: What the rows depend on.
        handler: The model; one copy a process is loaded.
        output: The output folder.
        unit_bytes: Encoded bytes a unit.
        retry_failures: Whether inputs without a row in ``recordings/`` are tried again.
    """

    def __init__(
        self,
        settings: UnitSettings,
        handler: OnnxAsrModelHandler,
        *,
        output: str,
        unit_bytes: int,
        retry_failures: bool = False,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._handler = handler
        self._output = output
        self._unit_bytes = unit_bytes
        self._retry_failures = retry_failures

    def expand(self, inputs: beam.PCollection[Input]) -> beam.PCollection[UnitReport]:
        """Wire resume, grouping and the units' one DoFn."""
        output = inputs.pipeline | "Output" >> beam.Create([self._output])
        done = output | "Commits" >> beam.FlatMap(committed_attempts)
        recorded = output | "Recordings" >> beam.FlatMap(committed_recordings)
        return (
            inputs
            | "DropDone"
            >> beam.FlatMap(
                drop_done, attempts=beam.pvalue.AsDict(done), retry_failures=self._retry_failures
            )
            | "Units" >> GroupIntoUnits(self._unit_bytes)
            | "Transcribe"
            >> beam.ParDo(
                _TranscribeUnit(self._settings, self._handler, self._output),
                known=beam.pvalue.AsDict(recorded),
            )
        )


def committed_attempts(output: str) -> Iterator[tuple[str, int]]:
    """Committed source ids: 0 for one that has a recording, else how often it failed."""
    attempts: dict[str, int] = {}
    for commit in store.read_commits(output):
        failed = set(commit.failed_source_ids)
        for source_id in commit.source_ids:
            before = attempts.get(source_id)
            if source_id not in failed or before == 0:
                attempts[source_id] = 0
            else:
                attempts[source_id] = max(before or 0, commit.attempt)
    yield from attempts.items()


def committed_recordings(output: str) -> Iterator[tuple[str, None]]:
    """Recording ids that have their row, as keys."""
    for commit in store.read_commits(output):
        for recording_id in commit.recording_ids:
            yield recording_id, None


def drop_done(item: Input, attempts: Mapping[str, int], *, retry_failures: bool) -> Iterator[Input]:
    """Pass on an input that is not committed, or that failed and is to be tried again."""
    failed = attempts.get(item.source_id)
    if failed is None:
        yield item
    elif failed and retry_failures:
        yield item.retried(attempt=failed + 1)


class _TranscribeUnit(beam.DoFn):
    def __init__(self, settings: UnitSettings, handler: OnnxAsrModelHandler, output: str) -> None:
        super().__init__()
        self._settings = settings
        self._handler = handler
        self._output = output
        self._recognizer: Recognizer | None = None

    def setup(self) -> None:
        self._recognizer = self._handler.acquire()

    def process(
        self, element: tuple[Input, ...], known: Mapping[str, None]
    ) -> Iterable[UnitReport]:
        if self._recognizer is None:
            raise RuntimeError("setup was not called")
        report = transcribe_unit(
            element,
            settings=self._settings,
            recognizer=self._recognizer,
            root=self._output,
            progress=PROGRESS,
            known=known,
        )
        if not report.was_committed:
            _count(report)
        yield report


def _count(report: UnitReport) -> None:
    """Report a unit to Beam's metrics: whole milliseconds, as counters take integers."""
    commit, batches = report.commit, report.batches

    def add(name: str, amount: float) -> None:
        Metrics.counter("beam_audio", name).inc(round(amount))

    add("audio_milliseconds", commit.decoded_seconds * 1e3)
    add("clip_milliseconds", batches.clip_seconds * 1e3)
    add("padded_milliseconds", batches.padded_seconds * 1e3)
    add("batches", batches.batches)
    add("clips", batches.clips)
    add(f"units_on_{commit.provider}", 1)
    for table, rows in commit.rows.items():
        add(f"{table}_rows", rows)
    for stage, seconds in commit.stage_seconds.items():
        add(f"{stage}_milliseconds", seconds * 1e3)
    if batches.padded_seconds:
        percent = 100 * (1 - batches.clip_seconds / batches.padded_seconds)
        Metrics.distribution("beam_audio", "padding_percent").update(round(percent))
        Metrics.distribution("beam_audio", "batch_clips").update(
            round(batches.clips / batches.batches)
        )
