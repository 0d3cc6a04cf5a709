"""TranscribeUnits: reports and metrics, but none for finished units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from support.run_outputs import listing, read_rows, settings, write_speech

from beam_audio import ReadAudio, TranscribeUnits
from beam_audio.run.job import check_run

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.unit.transcribe import UnitReport


def transcribe(folder: Path, output: Path, check: Any) -> dict[str, int]:  # noqa: ANN401 - a function
    """Run only the transform; returns its counters."""
    config = settings(input=folder, output=output, unit_bytes=1)
    job = check_run(config, PipelineOptions())
    graph = beam.Pipeline(runner=FnApiRunner())
    refs, failures = graph | ReadAudio(input=str(folder))
    reports = (
        (refs, failures)
        | beam.Flatten()
        | TranscribeUnits(
            job.settings,
            job.handler,
            output=str(output),
            unit_bytes=job.unit_bytes,
        )
    )
    assert_that(reports, check)
    result = graph.run()
    result.wait_until_finish()
    counters = result.metrics().query()["counters"]
    return {
        counter.key.metric.name: counter.committed
        for counter in counters
        if counter.key.metric.namespace == "beam_audio"
    }


def test_reports_and_metrics_count_the_work(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    for index in range(3):
        write_speech(folder / f"{index}.wav", start_seconds=index, seconds=1.5)
    (folder / "bad.wav").write_bytes(b"no audio")

    def check(reports: list[UnitReport]) -> None:
        assert len(reports) == 4
        assert sum(report.commit.decoded_seconds for report in reports) == 4.5
        assert sum(report.commit.rows["recordings"] for report in reports) == 3
        assert sum(len(report.commit.sources_that("failed")) for report in reports) == 1
        assert not any(report.was_committed for report in reports)
        assert {report.commit.provider for report in reports} == {"CPUExecutionProvider"}

    counters = transcribe(folder, output, check)
    segments = len(read_rows(output, "segments"))
    assert counters["audio_milliseconds"] == 4500
    assert (counters["recordings_rows"], counters["failures_rows"]) == (3, 1)
    assert counters["segments_rows"] == counters["clips"] == segments
    assert counters["units_on_CPUExecutionProvider"] == 4
    assert 0 < counters["clip_milliseconds"] <= counters["padded_milliseconds"]
    assert counters["batches"] == 3
    for stage in ("open", "decode", "segment", "measure", "recognise", "write"):
        assert counters[f"{stage}_milliseconds"] >= 0

    before = listing(output)
    assert transcribe(folder, output, check_empty) == {}
    assert listing(output) == before


def check_empty(reports: list[UnitReport]) -> None:
    assert reports == []
