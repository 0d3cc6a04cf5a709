"""TranscribeUnits: references in, committed rows out, and one report per unit; and its steps."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.metrics import Metrics

from beam_audio.stream.sharing import claim_unit, open_unit
from beam_audio.transforms.judge_units import JudgeUnits
from beam_audio.transforms.live_model import FixedModel
from beam_audio.transforms.plan_units import PlanUnits
from beam_audio.transforms.share_units import ShareUnits
from beam_audio.transforms.unit_runs import UnitRuns
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.tasks import Wanted
from beam_audio.unit.transcribe import Unit, UnitReport, transcribe_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.output.holder import Holder
    from beam_audio.transforms.live_model import LiveModel, SecondModel
    from beam_audio.transforms.transcribe import OnnxAsrModelHandler
    from beam_audio.unit.tasks import Input
    from beam_audio.unit.unit_settings import UnitSettings


@beam.typehints.with_input_types(AudioRef | Failure)
@beam.typehints.with_output_types(UnitReport)
class TranscribeUnits(beam.PTransform):
    """Groups inputs into units and writes each unit's rows; finished inputs are not done again.

    Inputs are :class:`AudioRef` and :class:`Failure`; the result is one :class:`UnitReport` per
    unit. Only references cross a shuffle. If the output was made with another configuration, or if
    the manifest states something else now, the rows that depend on it are made again, unit by unit.

    Args:
        settings: Settings of the units.
        handler: The model; each process loads one copy.
        output: The output folder.
        unit_bytes: Encoded bytes per unit.
        retry_failures: Whether inputs and segments that failed are tried again.
        second: The model that gives a second opinion; None for none.
        workers: How many workers may share a long recording.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        settings: UnitSettings,
        handler: OnnxAsrModelHandler,
        *,
        output: str,
        unit_bytes: int,
        retry_failures: bool = False,
        second: SecondModel | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__()
        self._second = second
        self._workers = workers
        self._settings = settings
        self._handler = handler
        self._output = output
        self._unit_bytes = unit_bytes
        self._retry_failures = retry_failures

    def expand(self, inputs: beam.PCollection[Input]) -> beam.PCollection[UnitReport]:
        """Wire resume, grouping and the units' one DoFn."""
        run_id = uuid.uuid4().hex
        wanted = wanted_of(self._settings, run_id, retry_failures=self._retry_failures)
        return (
            inputs
            | "PlanUnits" >> PlanUnits(self._output, wanted, self._unit_bytes)
            | "DoUnits"
            >> DoUnits(
                FixedModel(self._settings, self._handler),
                self._settings,
                output=self._output,
                run_id=run_id,
                second=self._second,
                workers=self._workers,
            )
        )


def wanted_of(settings: UnitSettings, run_id: str, *, retry_failures: bool) -> Wanted:
    """What a run with these settings wants the rows to be made with."""
    return Wanted(
        layers=settings.rows.layers,
        stated_languages=settings.language == "from_manifest",
        retry_failures=retry_failures,
        run_id=run_id,
    )


@beam.typehints.with_input_types(Unit)
@beam.typehints.with_output_types(UnitReport)
class DoUnits(beam.PTransform):
    """Does units that are planned: claims them, judges what only rules change, and runs the rest.

    Several workers share what is long.

    The result is one :class:`UnitReport` per unit.

    Args:
        model: The model with the settings of the units; each process loads one copy.
        settings: These settings, as they are now.
        output: The output folder.
        run_id: Name of the run.
        holder: The run as holder of the output: the units are claimed, so that no other batch and
            no stream processes their inputs meanwhile. None for a pipeline that is alone.
        second: The model that gives a second opinion; None for none.
        workers: How many workers may share a long recording.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        model: FixedModel | LiveModel,
        settings: UnitSettings,
        *,
        output: str,
        run_id: str,
        holder: Holder | None = None,
        second: SecondModel | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__()
        self._output = output
        self._holder = holder
        self._judge = JudgeUnits(output, settings.rows.rules, run_id)
        self._share = None
        if workers > 1:
            self._share = ShareUnits(settings, model, second=second, output=output, workers=workers)
        self._run = RunUnits(model, output=output, run_id=run_id, second=second)

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[UnitReport]:
        """Wire the steps."""
        left, judged = (
            units
            # Inputs that others have done meanwhile are left out.
            | "Claim" >> beam.FlatMap(_claimed, self._output, self._holder)
            | "Judge" >> self._judge
        )
        reports = [judged]
        if self._share is not None:
            left, shared = left | "Share" >> self._share
            reports.append(shared | "TranscribeShared" >> self._run)
        reports.append(left | "Transcribe" >> self._run)
        return tuple(reports) | "Reports" >> beam.Flatten()


def _claimed(unit: Unit, output: str, holder: Holder | None) -> Iterator[Unit]:
    """A unit that is this run's to do, without the inputs that others have done meanwhile."""
    if unit.version == 0:
        unit = replace(unit, unit_id=open_unit(output, unit.unit_id))
    left = claim_unit(output, unit, holder.run_id) if holder else unit
    if left is not None:
        yield left


@beam.typehints.with_input_types(Unit)
@beam.typehints.with_output_types(UnitReport)
class RunUnits(beam.PTransform):
    """Writes the rows of each :class:`Unit`; the result is one :class:`UnitReport` per unit.

    Args:
        model: The model with the settings of the units; each process loads one copy.
        output: The output folder.
        run_id: Name of the run.
        second: The model that gives a second opinion; None for none.
    """

    def __init__(
        self,
        model: FixedModel | LiveModel,
        *,
        output: str,
        run_id: str,
        second: SecondModel | None = None,
    ) -> None:
        super().__init__()
        self._run = _TranscribeUnit(UnitRuns(model, output, run_id=run_id, second=second))

    def expand(self, units: beam.PCollection[Unit]) -> beam.PCollection[UnitReport]:
        """Wire the one DoFn that does all the work."""
        return units | "Unit" >> beam.ParDo(self._run)


@beam.typehints.with_output_types(UnitReport)
class _TranscribeUnit(beam.DoFn):
    def __init__(self, runs: UnitRuns) -> None:
        super().__init__()
        self._runs = runs

    def setup(self) -> None:
        self._runs.load()

    def process(self, element: Unit) -> Iterable[UnitReport]:
        report = transcribe_unit(element, self._runs.begin())
        if not report.was_committed:
            _count(report)
        yield report


def _count(report: UnitReport) -> None:
    """Report a unit to Beam's metrics: whole milliseconds, as counters take integers."""
    commit, batches = report.commit, report.batches

    def add(name: str, amount: float) -> None:
        Metrics.counter("beam_audio", name).inc(round(amount))

    add("audio_milliseconds", commit.decoded_seconds * 1e3)
    add("clip_milliseconds", batches.passage_seconds * 1e3)
    add("padded_milliseconds", batches.padded_seconds * 1e3)
    add("batches", batches.batches)
    add("clips", batches.passages)
    add(f"units_on_{commit.provider}", 1)
    for table, rows in commit.rows.items():
        add(f"{table}_rows", rows)
    for stage, seconds in commit.stage_seconds.items():
        add(f"{stage}_milliseconds", seconds * 1e3)
    if batches.padded_seconds:
        percent = 100 * (1 - batches.passage_seconds / batches.padded_seconds)
        Metrics.distribution("beam_audio", "padding_percent").update(round(percent))
        Metrics.distribution("beam_audio", "batch_clips").update(
            round(batches.passages / batches.batches)
        )
