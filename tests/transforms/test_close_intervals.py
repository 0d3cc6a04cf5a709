"""CloseIntervals: once at the end of bounded input, regularly for a stream."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to
from support.unit_runs import levels, ref, run_unit, tones, write

from beam_audio.stream.interval import Arrival, Done
from beam_audio.transforms.close_intervals import CloseIntervals
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from beam_audio.stream.interval import Note


@pytest.fixture
def notes(tmp_path: Path) -> list[Note]:
    """Three arrivals, and the commits of their units."""
    items = [ref(write(tmp_path / f"{n}.wav", tones(levels(1 + n)))) for n in range(3)]
    now_seconds = time.time()
    units = [run_unit(tmp_path / "out", Unit.of([Task(item)])) for item in items]
    return [
        *(Arrival(each.uri, each.source_id, each.place_id, *[now_seconds] * 2) for each in items),
        *(Done(unit.commit.unit_id, now_seconds + 1, 1.0, 1.0) for unit in units),
    ]


def ledgers(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((out / "ledger").iterdir())]


def test_one_interval_over_all_notes(tmp_path: Path, notes: list[Note]) -> None:
    write_ledgers = CloseIntervals(str(tmp_path / "out"), "run-1", every_seconds=None)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        intervals = pipeline | beam.Create(notes) | write_ledgers
        assert_that(intervals | beam.Map(lambda each: each.ledger.recordings), equal_to([3]))
    (ledger,) = ledgers(tmp_path / "out")
    assert ledger["name"] == "run-1"
    assert ledger["balances"]
    counters = pipeline.result.metrics().query()["counters"]
    counted = {each.key.metric.name: each.committed for each in counters}
    for decision, count in ledger["segments"].items():
        assert counted[f"{decision}_segments"] == count
    assert sum(ledger["segments"].values()) > 0


def test_unfinished_messages_wait_for_a_later_interval(tmp_path: Path, notes: list[Note]) -> None:
    stream = (
        TestStream()
        .add_elements(notes[:4])  # three arrivals, and the end of one
        # Test time starts at 0; timers use the wall clock.
        .advance_processing_time(int(time.time()) + 600)
        .add_elements(notes[4:5])
        .advance_processing_time(600)
        .add_elements(notes[5:])
        .advance_watermark_to_infinity()
    )
    options = PipelineOptions(["--streaming"])
    with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
        _ = pipeline | stream | CloseIntervals(str(tmp_path / "out"), "run-", every_seconds=60)
    found = ledgers(tmp_path / "out")
    counts = [(each["messages"], len(each["waiting"])) for each in found]
    assert counts == [(1, 2), (1, 1), (1, 0)]
    assert [each["name"] for each in found] == ["run-000001", "run-000002", "run-000003"]
    assert all(each["balances"] for each in found)
