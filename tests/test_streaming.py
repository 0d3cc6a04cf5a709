"""A subscription read by the command's own loop: rows as a batch has them, whatever is killed."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from pubsub_emulator import Channel, new_channel, publish, pubsub_emulator
from run_outputs import all_rows, read_rows, run, settings, write_manifest, write_speech

from beam_audio.errors import ConfigError
from beam_audio.messages import Message
from beam_audio.places import Claim, claim
from beam_audio.streaming import read_held, run_stream
from beam_audio.transforms.read import input_of_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.interval import Interval

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.integration
LIMIT_SECONDS = 240


@pytest.fixture(scope="module", autouse=True)
def emulator() -> Iterator[None]:
    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


@pytest.fixture
def channel() -> Channel:
    return new_channel()


@pytest.fixture
def lines(tmp_path: Path) -> list[dict[str, Any]]:
    """Recordings of two days, one of which is not there."""
    found: list[dict[str, Any]] = []
    for index in range(12):
        path = write_speech(tmp_path / "in" / f"{index}.wav", index / 4, 1.0 + index / 10)
        found.append(
            {"audio_filepath": str(path), "event_time": f"2026-01-0{1 + index % 2}", "n": index}
        )
    found.append({"audio_filepath": str(tmp_path / "in" / "none.wav")})
    return found


def digest(message: Message) -> str:
    return hashlib.sha256(message.data + message.message_id.encode()).hexdigest()


def encoded(lines: list[dict[str, Any]]) -> list[tuple[bytes, dict[str, str]]]:
    return [(json.dumps(line).encode(), {}) for line in lines]


def stream(
    channel: Channel, output: Path, until: Callable[[list[Interval]], bool]
) -> list[Interval]:
    """Read until enough has come."""
    stop = threading.Event()
    intervals: list[Interval] = []

    def report(interval: Interval) -> None:
        intervals.append(interval)
        if until(intervals):
            stop.set()

    timer = threading.Timer(LIMIT_SECONDS, stop.set)
    timer.start()
    config = settings(subscription=channel.subscription, output=output, max_wait_seconds=1)
    run_stream(config, [], stop=stop, report=report)
    timer.cancel()
    return intervals


def messages(count: int) -> Callable[[list[Interval]], bool]:
    return lambda intervals: sum(each.messages for each in intervals) >= count


def test_rows_are_those_of_a_batch_and_a_replay_adds_nothing(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    batch = tmp_path / "batch"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=batch)
    publish(channel.topic, *encoded(lines), *encoded(lines[:3]))
    out = tmp_path / "out"
    intervals = stream(channel, out, messages(len(lines) + 3))
    rows = all_rows(out)
    assert rows["segments"] == all_rows(batch)["segments"]
    assert rows["recordings"] == all_rows(batch)["recordings"]
    assert len(rows["failures"]) == 1
    assert all(each.balances for each in intervals)
    publish(channel.topic, *encoded(lines))
    (again, *_) = stream(channel, out, messages(len(lines)))
    assert again.repeated == again.messages
    assert all_rows(out) == rows
    assert len(list((out / "ledger").iterdir())) >= len(intervals) + 1


def test_over_the_output_of_a_batch_only_what_is_new_is_added(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines[:6]), output=out)
    publish(channel.topic, *encoded(lines[:9]))
    intervals = stream(channel, out, messages(9))
    assert sum(each.repeated for each in intervals) == 6
    assert len(read_rows(out, "recordings")) == 9


def test_broken_messages_are_rows_and_do_not_come_again(channel: Channel, tmp_path: Path) -> None:
    publish(channel.topic, (b"?", {}), (b"x", {"content_type": "audio/wav"}))
    stream(channel, tmp_path, messages(2))
    rows = read_rows(tmp_path, "failures")
    assert sorted(row["stage"] for row in rows) == ["decode", "read"]
    publish(channel.topic, (b'{"audio_filepath": "/none.wav"}', {}))
    (interval,) = stream(channel, tmp_path, messages(1))
    assert interval.messages == 1


def test_what_messages_carry_stands_in_no_graph(tmp_path: Path) -> None:
    """Beam compresses a graph again and again: 3 s for each megabyte."""
    now = datetime.now(UTC)
    held = [Message(os.urandom(1 << 20), {"n": name}, name, now) for name in ("1", "2")]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        read = read_held(pipeline, held, str(tmp_path))
        assert len(pipeline.to_runner_api().SerializeToString()) < 100_000
        assert_that(read | beam.Map(digest), equal_to([digest(each) for each in held]))


def test_what_another_run_is_at_comes_again_until_it_is_done(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    theirs = input_of_line("m.jsonl", 1, encoded(lines)[0][0])
    claim(str(out), theirs, Claim("theirs", "later"))
    publish(channel.topic, *encoded(lines[:3]))
    intervals = stream(channel, out, messages(2))
    assert len(intervals[-1].waiting) == 1
    assert len(read_rows(out, "recordings")) == 2
    (place,) = (out / "_places").rglob(f"{theirs.place_id}.json")
    os.utime(place, (0, 0))
    (interval,) = stream(channel, out, messages(1))
    assert (interval.messages, interval.recordings, interval.waiting) == (1, 1, ())
    assert len(read_rows(out, "recordings")) == 3


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--runner=PrismRunner"], "local runner"),
        (["--runner=FlinkRunner"], "local runner"),
    ],
)
def test_other_runners_are_refused(
    channel: Channel, tmp_path: Path, flags: list[str], says: str
) -> None:
    config = settings(subscription=channel.subscription, output=tmp_path)
    with pytest.raises(ConfigError, match=says):
        run_stream(config, flags, stop=threading.Event(), report=lambda _: None)
