"""A stream as an operator sees it: its log as JSON lines, its metrics, its end by SIGTERM."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.free_ports import free_port
from support.pubsub_emulator import new_channel, publish, pubsub_emulator
from support.run_outputs import read_rows, write_speech
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

GOOD = 29
LIMIT_SECONDS = 240
KEYS = {"time", "severity", "message", "event", "logger"}


@pytest.fixture(autouse=True)
def emulator() -> Iterator[None]:
    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


def scraped(port: int) -> dict[tuple[str, ...], float]:
    """The value of each series, by its name and the values of its labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def read_log(log: Path, workers: int) -> list[dict[str, Any]]:
    """The lines of a log, all of them JSON; beside it, Beam's worker processes print their own."""
    lines = log.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if workers == 1 or line.startswith("{")]


@pytest.mark.parametrize("workers", [1, 2])
def test_log_and_metrics_say_what_the_rows_are(tmp_path: Path, workers: int) -> None:
    """With two workers, units run in other processes than the one that is asked."""
    out, log, port = tmp_path / "out", tmp_path / "log", free_port()
    channel = new_channel()
    paths = [write_speech(tmp_path / f"{n}.wav", n / 40, 1.0 + n / 40) for n in range(GOOD)]
    lines = [json.dumps({"audio_filepath": str(path)}).encode() for path in paths]
    publish(channel.topic, *((line, {}) for line in (*lines, b"?")))
    flags = ["--max_wait_seconds=1", f"--metrics_port={port}", "--log_format=json"]
    if workers > 1:
        flags += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]
    stream = start_stream(channel, out, *flags, complaints=log)
    stream.wait_until(lambda: closed_messages(out) == GOOD + 1, LIMIT_SECONDS)
    stream.wait_until(
        lambda: scraped(port)["beam_audio_messages_total", "processed"] == GOOD + 1, LIMIT_SECONDS
    )
    series = scraped(port)
    assert stream.stop() == 0
    assert stream.printed() == ""

    segments = read_rows(out, "segments")
    for decision in ("keep", "review", "drop"):
        count = sum(row["decision"] == decision for row in segments)
        assert series["beam_audio_segments_total", decision] == count
    assert series["beam_audio_recordings_total",] == GOOD
    assert series["beam_audio_failures_total", "read"] == 1
    assert series["beam_audio_lag_seconds_count",] == GOOD + 1
    assert series["beam_audio_stage_seconds_total", "device_busy"] > 0
    assert series["beam_audio_messages_in_flight",] == 0
    decoded = sum(row["decoded_seconds"] for row in read_rows(out, "recordings"))
    audio = [value for name, value in series.items() if name[0] == "beam_audio_audio_seconds_total"]
    assert sum(audio) == pytest.approx(decoded)

    said = read_log(log, workers)
    assert all(line.keys() >= KEYS for line in said)
    events = [line["event"] for line in said]
    assert events[0] == "starting"
    assert events[-2:] == ["stopping", "stopped"]
    intervals = [line for line in said if line["event"] == "interval"]
    assert sum(line["messages"] for line in intervals) == GOOD + 1
    assert (
        sum(line["segments"]["keep"] for line in intervals)
        == series["beam_audio_segments_total", "keep"]
    )
    assert {line["run_id"] for line in said if "run_id" in line} == {intervals[0]["run_id"]}
