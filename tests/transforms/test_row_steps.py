"""Steps from rows to rows: inputs as rows, and rows of every table out of units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import settings, write_manifest, write_speech

from beam_audio import TranscribeUnits
from beam_audio.run.job import make_job
from beam_audio.transforms.row_steps import ReadInputRows, TranscribeRows

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_go_in_and_rows_of_every_table_come_out(tmp_path: Path) -> None:
    audio = write_speech(tmp_path / "a.wav")
    manifest = write_manifest(tmp_path / "m.jsonl", [{"audio_filepath": str(audio)}, "no JSON"])
    config = settings(manifest=manifest, output=tmp_path / "out")

    def units(options: PipelineOptions) -> TranscribeUnits:
        job = make_job(config, options)
        return TranscribeUnits(
            job.settings, job.handler, output=job.output, unit_bytes=job.unit_bytes
        )

    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions()) as pipeline:
        inputs = pipeline | ReadInputRows(manifest=str(manifest))
        listed = inputs | beam.Map(lambda row: (row.uri, row.failure is None))
        assert_that(listed, equal_to([(str(audio), True), (str(manifest), False)]))
        tables = inputs | beam.Reshuffle() | TranscribeRows(units, output=config.output)
        uris = tables["recordings"] | "Uri" >> beam.Map(lambda row: row.uri)
        assert_that(uris, equal_to([str(audio)]), label="recordings")
        stages = tables["failures"] | "Stage" >> beam.Map(lambda row: row.stage)
        assert_that(stages, equal_to(["read"]), label="failures")
        texts = tables["segments"] | "Text" >> beam.Map(lambda row: bool(row.text))
        assert_that(texts | beam.Distinct(), equal_to([True]), label="segments")
