"""A subscription read by the command's own loop: the rows of a batch, published to a topic."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.pubsub_v1 import PublisherClient
from support.published_rows import notes, received
from support.pubsub_emulator import Channel, new_channel, publish, pubsub_emulator
from support.run_outputs import all_rows, read_rows, run, settings, write_manifest, write_speech

from beam_audio.inputs.listing import input_of_line
from beam_audio.run.local_stream import run_stream
from beam_audio.stream.reservations import Reservation, reserve
from beam_audio.stream.row_messages import ID_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beam_audio.stream.interval import Interval

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
    """Recordings of two days; one is missing."""
    found: list[dict[str, Any]] = []
    for index in range(12):
        path = write_speech(tmp_path / "in" / f"{index}.wav", index / 4, 1.0 + index / 10)
        found.append(
            {"audio_filepath": str(path), "event_time": f"2026-01-0{1 + index % 2}", "n": index}
        )
    found.append({"audio_filepath": str(tmp_path / "in" / "none.wav")})
    return found


def encoded(lines: list[dict[str, Any]]) -> list[tuple[bytes, dict[str, str]]]:
    return [(json.dumps(line).encode(), {}) for line in lines]


def stream(
    channel: Channel, output: Path, until: Callable[[list[Interval]], bool], **flags: object
) -> list[Interval]:
    """Read messages until there are enough."""
    stop = threading.Event()
    intervals: list[Interval] = []

    def report(interval: Interval) -> None:
        intervals.append(interval)
        if until(intervals):
            stop.set()

    timer = threading.Timer(LIMIT_SECONDS, stop.set)
    timer.start()
    given = {"subscription": channel.subscription, "output": output, "max_wait_seconds": 1}
    config = settings(**given | flags)
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


@pytest.mark.shared
def test_sounds_and_speakers_are_those_of_a_batch(
    channel: Channel, shared_data: Path, shared_models: Path, tmp_path: Path
) -> None:
    names = ("diarization/pv_falcon.wav", "fsdd_8k/0_jackson_0.wav", "malformed/gone.wav")
    lines = [
        {"audio_filepath": str(shared_data / name), "event_time": "2026-01-01"} for name in names
    ]
    networks = {"classify_model": shared_models, "speaker_model": shared_models}
    batch, out = tmp_path / "batch", tmp_path / "out"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=batch, **networks)
    for repeated in (0, len(lines)):
        publish(channel.topic, *encoded(lines))
        (*_, last) = stream(channel, out, messages(len(lines)), **networks)
        assert (last.balances, last.repeated) == (True, repeated)
        rows = all_rows(out)
        assert rows["segments"] == all_rows(batch)["segments"]
        assert rows["recordings"] == all_rows(batch)["recordings"]
        assert len(rows["failures"]) == 1
    assert any(row["speaker_label"] and row["audio_events"] for row in rows["segments"])


def test_a_stream_adds_only_new_inputs_to_the_output_of_a_batch(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines[:6]), output=out)
    publish(channel.topic, *encoded(lines[:9]))
    intervals = stream(channel, out, messages(9))
    assert sum(each.repeated for each in intervals) == 6
    assert len(read_rows(out, "recordings")) == 9


def test_messages_of_another_runs_inputs_come_again_until_these_are_done(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    theirs = input_of_line("m.jsonl", 1, encoded(lines)[0][0])
    reserve(str(out), theirs, Reservation("theirs", "later"))
    publish(channel.topic, *encoded(lines[:3]))
    intervals = stream(channel, out, messages(2))
    assert len(intervals[-1].waiting) == 1
    assert len(read_rows(out, "recordings")) == 2
    (place,) = (out / "_places").rglob(f"{theirs.place_id}.json")
    os.utime(place, (0, 0))
    (interval,) = stream(channel, out, messages(1))
    assert (interval.messages, interval.ledger.recordings, interval.waiting) == (1, 1, ())
    assert len(read_rows(out, "recordings")) == 3


def test_broken_messages_are_failures_and_are_not_delivered_again(
    channel: Channel, tmp_path: Path
) -> None:
    publish(channel.topic, (b"?", {}), (b"x", {"content_type": "audio/wav"}))
    stream(channel, tmp_path, messages(2))
    rows = read_rows(tmp_path, "failures")
    assert sorted(row["stage"] for row in rows) == ["decode", "read"]
    publish(channel.topic, (b'{"audio_filepath": "/none.wav"}', {}))
    (interval,) = stream(channel, tmp_path, messages(1))
    assert interval.messages == 1


def test_every_row_is_published_to_a_topic(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    topic = new_channel()
    out = tmp_path / "out"
    publish(channel.topic, *encoded(lines), *encoded(lines[:4]))
    stream(channel, out, messages(len(lines) + 4), output_topic=topic.topic)
    found = received(topic)
    for table, id_column in ID_COLUMNS.items():
        ids = [a["id"] for _, a in found if a["table"] == table]
        assert sorted(ids) == [row[id_column] for row in read_rows(out, table)]
    texts = {json.loads(data)["text"] for data, _ in found}
    assert texts >= {row["text"] for row in read_rows(out, "segments")}
    assert notes(out) == []


def test_rows_that_a_run_left_unpublished_are_published_by_the_next(
    channel: Channel, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The topic is deleted during the first run: its rows are committed, not published."""
    gone, topic = new_channel(), new_channel()
    out = tmp_path / "out"
    publish(channel.topic, *encoded(lines[:5]))
    with PublisherClient() as publisher:
        job = threading.Thread(
            target=delete_once, args=(out, lambda: publisher.delete_topic(topic=gone.topic))
        )
        job.start()
        with pytest.raises(Exception, match="refused a message"):
            stream(channel, out, messages(5), output_topic=gone.topic)
        job.join()
    assert len(notes(out)) > 0
    (interval, *_) = stream(channel, out, messages(5), output_topic=topic.topic)
    assert interval.repeated == 5
    assert sum(a["table"] == "recordings" for _, a in received(topic)) == 5
    assert notes(out) == []


def delete_once(out: Path, delete: Callable[[], None]) -> None:
    """Delete it when the first input is reserved."""
    end = time.monotonic() + LIMIT_SECONDS
    while not any((out / "_places").rglob("*.json")) and time.monotonic() < end:
        time.sleep(0.01)
    delete()


def test_another_language_than_the_references_is_an_alert(channel: Channel, tmp_path: Path) -> None:
    paths = [write_speech(tmp_path / f"in/{n}.wav", n / 40, 1.0) for n in range(120)]
    run(input=tmp_path / "in", output=tmp_path / "reference", language="de")
    publish(channel.topic, *encoded([{"audio_filepath": str(path)} for path in paths[:40]]))
    topic = new_channel()
    flags = {"drift_reference": tmp_path / "reference", "output_topic": topic.topic}
    intervals = stream(channel, tmp_path / "out", messages(40), **flags)
    alerts = [alert for interval in intervals for alert in interval.alerts]
    assert any(alert.startswith("language drifts") for alert in alerts)
    assert intervals[0].drift["language"]["reference"]["shares"] == {"de": 1.0}
    of_topic = [json.loads(data)["alert"] for data, a in received(topic) if a["table"] == "alerts"]
    assert sorted(of_topic) == sorted(alerts)
    assert alerts[0] in intervals[0].line
