"""The graph of a stream: whatever time does, the rows are those of a batch."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_stream import TestStream
from support.run_outputs import all_rows, commit_files, run, settings, write_manifest, write_speech

from beam_audio.errors import ConfigError, StoreError
from beam_audio.inputs.messages import Message
from beam_audio.output.commits import Commit
from beam_audio.run import stream
from beam_audio.run.job import check_run
from beam_audio.run.stream import Intervals, submit_stream
from beam_audio.unit.transcribe import UnitReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.run.config import RunConfig

SUBSCRIPTION = "projects/p/subscriptions/s"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
COUNT = 8
A_WHILE_SECONDS = 600


@pytest.fixture
def lines(tmp_path: Path) -> list[dict[str, Any]]:
    """Recordings of two days in turn."""
    return [
        {
            "audio_filepath": str(write_speech(tmp_path / f"{n}.wav", n / 4, 1.0 + n / 10)),
            "event_time": f"2026-01-0{1 + n % 2}T03:04:05Z",
            "text": "as it was said",
        }
        for n in range(COUNT)
    ]


@pytest.fixture
def batch(tmp_path: Path, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of a batch over the same recordings."""
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=tmp_path / "batch")
    return all_rows(tmp_path / "batch")


def told(lines: list[dict[str, Any]]) -> list[Message]:
    return [
        Message(json.dumps(line).encode(), {}, f"{index}", NOON) for index, line in enumerate(lines)
    ]


def at(seconds: float, messages: list[Message]) -> list[beam.window.TimestampedValue]:
    return [beam.window.TimestampedValue(message, seconds) for message in messages]


def stream_of(out: Path) -> RunConfig:
    return settings(subscription=SUBSCRIPTION, output=out, max_wait_seconds=30)


def ledgers(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((out / "ledger").iterdir())]


def play(out: Path, events: TestStream) -> None:
    """Run the graph as a service does that reads by itself, over a time that was made up."""
    options = PipelineOptions(["--streaming"])
    job = check_run(stream_of(out), options)
    with beam.Pipeline("BundleBasedDirectRunner", options=options) as pipeline:
        stream.build(pipeline | events, job, Intervals(f"{job.run_id}-", 60, watch=None))


def ended(events: TestStream) -> TestStream:
    """The end of all time, in two steps: in one, the runner drops what the end itself sets free."""
    end = beam.window.GlobalWindow().end
    return events.advance_watermark_to(end).advance_watermark_to_infinity()


def as_they_come(messages: list[Message]) -> TestStream:
    return TestStream().add_elements(messages)


def behind_a_watermark(messages: list[Message]) -> TestStream:
    """Each after the watermark has passed the one before."""
    events = TestStream()
    for hour, message in enumerate(messages, start=1):
        events.add_elements(at(3600 * hour, [message])).advance_watermark_to(3600 * hour + 1)
    return events


def between_idle_times(messages: list[Message]) -> TestStream:
    """Two, then nothing for long, then the rest, and nothing again."""
    # A clock of such a stream starts at 0; timers are set by the one on the wall.
    now_seconds = int(time.time())
    return (
        TestStream()
        .advance_processing_time(A_WHILE_SECONDS)
        .add_elements(messages[:2])
        .advance_processing_time(now_seconds)
        .advance_watermark_to(1e6)
        .advance_processing_time(A_WHILE_SECONDS)
        .add_elements(messages[2:])
        .advance_processing_time(A_WHILE_SECONDS)
    )


def late(messages: list[Message]) -> TestStream:
    """Half of them long after the watermark has passed their time, some of them twice."""
    return (
        TestStream()
        .add_elements(at(1e6, messages[: COUNT // 2]))
        .advance_watermark_to(2e6)
        .advance_processing_time(int(time.time()) + A_WHILE_SECONDS)
        .add_elements(at(1.0, messages[COUNT // 2 :]))
        .advance_watermark_to(3e6)
        .add_elements(at(1.0, messages[: COUNT // 4]))
    )


@pytest.mark.parametrize("course", [as_they_come, behind_a_watermark, between_idle_times, late])
def test_whatever_time_does_the_rows_are_those_of_a_batch(
    course: Callable[[list[Message]], TestStream],
    lines: list[dict[str, Any]],
    batch: dict[str, Any],
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    play(out, ended(course(told(lines))))
    assert all_rows(out) == batch
    accounts = ledgers(out)
    assert all(account["balances"] for account in accounts)
    assert sum(account["recordings"] for account in accounts) == COUNT
    assert accounts[-1]["waiting"] == []


def test_a_unit_of_two_days_lies_in_the_folders_of_both(
    lines: list[dict[str, Any]], batch: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = PipelineOptions()
    job = check_run(stream_of(out), options)
    with beam.Pipeline(runner=FnApiRunner(), options=options) as pipeline:
        messages = pipeline | beam.Create(told(lines))
        stream.build(messages, job, Intervals("only", None, watch=None))
    (record,) = commit_files(out)
    days = {name.split("/")[1] for name in json.loads(record.read_text())["files"]}
    assert days == {"date=2026-01-01", "date=2026-01-02"}
    assert all_rows(out) == batch
    (account,) = ledgers(out)
    assert (account["name"], account["messages"], account["recordings"]) == ("only", COUNT, COUNT)


@pytest.mark.parametrize("flags", [[], ["--runner=PrismRunner"], ["--runner=FlinkRunner"]])
def test_other_runners_are_not_handed_a_stream(tmp_path: Path, flags: list[str]) -> None:
    with pytest.raises(ConfigError, match="DataflowRunner"):
        submit_stream(stream_of(tmp_path), flags)


def test_a_service_is_made_to_repeat_what_another_run_closed() -> None:
    closed = UnitReport(Commit("u", sources={}, layout={}))
    with pytest.raises(StoreError, match="closed the unit u"):
        stream.require_open(closed)


def test_a_stream_says_once_what_publishers_can_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = check_run(stream_of(tmp_path / "out"), PipelineOptions([]))
    stream.begin(job, process="")
    (said,) = [each.getMessage() for each in caplog.records if "allow_inputs" in each.getMessage()]
    assert f"the topic of {SUBSCRIPTION} can have any file transcribed" in said
    caplog.clear()
    limited = settings(subscription=SUBSCRIPTION, output=tmp_path / "out", allow_inputs="gs://b")
    stream.begin(check_run(limited, PipelineOptions([])), process="")
    assert not [each for each in caplog.records if "allow_inputs" in each.getMessage()]
