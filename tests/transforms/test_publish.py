"""Publishing in a pipeline: units are noted, and reports follow when rows are published."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.cloud.pubsub_v1 import PublisherClient
from support.published_rows import expected, notes, received
from support.pubsub_emulator import new_channel
from support.unit_runs import levels, ref, run_unit, tones, write

from beam_audio.stream.outbox import publish_left_over
from beam_audio.stream.row_messages import ID_COLUMNS
from beam_audio.stream.topic import Topic
from beam_audio.transforms.publish import NoteUnits, PublishRows
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from support.pubsub_emulator import Channel

    from beam_audio.unit.transcribe import UnitReport

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]


@pytest.fixture
def units(tmp_path: Path) -> list[Unit]:
    paths = [write(tmp_path / f"{n}.wav", tones(levels(n + 1))) for n in range(4)]
    tasks = [Task(ref(path)) for path in paths]
    missing = Task(replace(ref(paths[0]), uri=str(tmp_path / "none.wav")))
    return [Unit.of(tasks[:3]), Unit.of(tasks[3:]), Unit.of([missing])]


def noted_unit(out: Path, unit: Unit) -> UnitReport:
    """Run a unit and check that it is noted."""
    assert f"{unit.unit_id}-1" in notes(out)
    return run_unit(out, unit)


def run(out: Path, channel: Channel, units: list[Unit]) -> int:
    """The number of messages a pipeline counted as published."""
    pipeline = beam.Pipeline(runner=FnApiRunner())
    reports = (
        pipeline
        | beam.Create(units)
        | NoteUnits(str(out))
        | beam.Map(partial(noted_unit, out))
        | PublishRows(channel.topic, str(out))
    )
    _ = reports | beam.Map(lambda report: (out / report.commit.unit_id).touch())
    result = pipeline.run()
    result.wait_until_finish()
    (counter,) = result.metrics().query(
        beam.metrics.MetricsFilter().with_name("published_messages")
    )["counters"]
    return int(counter.result)


def test_reports_come_out_and_messages_are_the_rows(
    tmp_path: Path, units: list[Unit], channel: Channel
) -> None:
    out = tmp_path / "out"
    assert run(out, channel, units) == 14
    assert all((out / unit.unit_id).exists() for unit in units)
    assert notes(out) == []
    found = received(channel)
    for table in ID_COLUMNS:
        rows = [json.loads(data) for data, named in found if named["table"] == table]
        assert sorted(rows, key=repr) == sorted(expected(out, table), key=repr)


def test_a_repeated_unit_is_published_again_with_the_same_ids(
    tmp_path: Path, units: list[Unit], channel: Channel
) -> None:
    out = tmp_path / "out"
    run(out, channel, units)
    first = received(channel)
    run(out, channel, units)
    assert received(channel) == first


def test_rows_a_topic_refused_are_published_later(
    tmp_path: Path, units: list[Unit], channel: Channel
) -> None:
    out = tmp_path / "out"

    def lose_the_topic(report: UnitReport) -> UnitReport:
        with PublisherClient() as client:
            client.delete_topic(topic=topic)
        return report

    topic = channel.topic
    with (
        pytest.raises(Exception, match="refused a message"),
        beam.Pipeline(FnApiRunner()) as pipeline,
    ):
        _ = (
            pipeline
            | beam.Create(units[:1])
            | NoteUnits(str(out))
            | beam.Map(partial(run_unit, out))
            | beam.Map(lose_the_topic)
            | PublishRows(topic, str(out))
        )
    assert notes(out) == [f"{units[0].unit_id}-1"]
    again = new_channel()
    with Topic(again.topic) as other:
        assert publish_left_over(other, str(out)) == 9
    assert len(received(again)) == 9
