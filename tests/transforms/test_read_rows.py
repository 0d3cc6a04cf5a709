"""Typed rows out of units and steps, as Beam's own transforms use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from support.run_outputs import all_rows, read_rows, settings, write_manifest, write_speech

from beam_audio import (
    AsRows,
    Failure,
    ReadAudio,
    ReadRows,
    Segment,
    TranscribeUnits,
    Transcript,
    WriteParquet,
    decode,
    split,
)
from beam_audio.run.job import check_run
from beam_audio.transforms.rows import dict_row
from beam_audio.types import Word

if TYPE_CHECKING:
    from pathlib import Path

FAILED = Failure("segment", "recognise", "i", "a.wav", "E", "why", recording_id="r", segment_id="s")


@pytest.fixture
def spoken(tmp_path: Path) -> Segment:
    return split(decode(write_speech(tmp_path / "a.wav")))[0]


def test_rows_of_units_are_those_committed_and_can_be_written_again(tmp_path: Path) -> None:
    audio, output, copy = write_speech(tmp_path / "a.wav"), tmp_path / "out", tmp_path / "copy"
    line = {"audio_filepath": str(audio), "text": "one two", "speaker": "Ülo", "date": "2026-01-05"}
    manifest = write_manifest(tmp_path / "m.jsonl", [line, "no JSON"])
    config = settings(manifest=manifest, output=output, metadata_columns="speaker")
    job = check_run(config, PipelineOptions())
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        inputs = (pipeline | ReadAudio(manifest=str(manifest))) | beam.Flatten()
        reports = inputs | TranscribeUnits(
            job.settings, job.handler, output=str(output), unit_bytes=job.unit_bytes
        )
        for table in ("segments", "recordings", "failures"):
            rows = reports | f"Read {table}" >> ReadRows(
                str(output), table=table, metadata_columns=("speaker",)
            )
            # A shuffle encodes the rows by their type.
            shuffled = rows | f"Spread {table}" >> beam.Reshuffle()
            _ = shuffled | f"Write {table}" >> WriteParquet(str(copy), table=table)
            if table == "segments":
                speakers = shuffled | beam.Map(lambda row: row.speaker) | beam.Distinct()
                assert_that(speakers, equal_to(["Ülo"]))
    outside = {"date", "speaker"}
    expected = {
        table: [{name: row[name] for name in row.keys() - outside} for row in rows]
        for table, rows in all_rows(output).items()
    }
    assert {table: len(rows) for table, rows in expected.items()}["failures"] == 1
    assert all_rows(copy) == expected


def test_sql_like_transforms_group_the_rows_of_steps(spoken: Segment) -> None:
    words = (Word("one", 0.25, 0.5, 0.9),)
    heard = Transcript("one", "en", 0.9, avg_logprob=-0.2, no_speech_prob=0.1, words=words)

    def check(rows: list[Any]) -> None:
        (row,) = map(dict_row, rows)
        assert (row["segment_id"], row["text"], row["language"]) == (spoken.segment_id, "one", "en")
        (word,) = row["words"]
        assert word["start_seconds"] == pytest.approx(spoken.start_seconds + 0.25)
        assert row["duration_seconds"] == spoken.duration_seconds
        assert "decision" not in row

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        pairs = pipeline | beam.Create([(spoken, heard)])
        rows = pairs | AsRows()
        assert_that(rows | beam.Reshuffle(), check)
        seconds = rows | beam.GroupBy("language").aggregate_field(
            "duration_seconds", sum, "seconds"
        )
        found = seconds | "Found" >> beam.Map(lambda row: (row.language, row.seconds))
        assert_that(found, equal_to([("en", spoken.duration_seconds)]), label="seconds")


def test_failures_are_rows_that_parquet_takes(tmp_path: Path) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        rows = pipeline | beam.Create([FAILED]) | AsRows("failures")
        _ = rows | WriteParquet(str(tmp_path), table="failures")
    (row,) = read_rows(tmp_path, "failures")
    assert (row["segment_id"], row["message"]) == ("s", "why")
