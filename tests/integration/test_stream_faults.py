"""Streams under faults: Pub/Sub is gone for a while, a message kills."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest
from google.pubsub_v1.types import DeadLetterPolicy
from support.project import ROOT
from support.published_rows import received
from support.pubsub_emulator import new_channel, publish, pubsub_emulator
from support.refusing_pubsub import refusing_to_publish
from support.run_outputs import read_rows, write_speech
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.pubsub_emulator import Channel

pytestmark = pytest.mark.integration

KILLED_BY = str(ROOT / "tests" / "support" / "killed_by.py")
LIMIT_SECONDS = 90
FLAGS = ("--max_wait_seconds=1",)


def recordings(tmp_path: Path, count: int) -> list[Path]:
    return [write_speech(tmp_path / "in" / f"{n}.wav", n / 30, 2.0) for n in range(count)]


def send(channel: Channel, paths: Sequence[Path]) -> None:
    lines = [json.dumps({"audio_filepath": str(path)}).encode() for path in paths]
    publish(channel.topic, *((line, {}) for line in lines))


def uris(out: Path) -> list[str]:
    return sorted(row["uri"] for row in read_rows(out, "recordings"))


def test_pubsub_is_gone_for_a_while_and_comes_back_without_the_subscription(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, complaints = tmp_path / "out", tmp_path / "complaints"
    paths = recordings(tmp_path, 6)
    name = "restarted"
    with pubsub_emulator() as host:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        channel = new_channel(name)
        send(channel, paths[:3])
        stream = start_stream(channel, out, *FLAGS, complaints=complaints)
        stream.wait_until(lambda: closed_messages(out) == 3, LIMIT_SECONDS)
    stream.wait_until(lambda: "cannot be read at present" in complaints.read_text(), LIMIT_SECONDS)
    time.sleep(3.0)
    assert stream.process.poll() is None
    with pubsub_emulator(int(host.rpartition(":")[2])):  # it has forgotten everything
        assert stream.process.wait(LIMIT_SECONDS) == 1
        *_, said = complaints.read_text().splitlines()
        assert "can no longer be read" in said
        assert complaints.read_text().count("cannot be read at present") == 1
        assert "Traceback" not in complaints.read_text()

        channel = new_channel(name)
        send(channel, paths)
        again = start_stream(channel, out, *FLAGS)
        again.wait_until(lambda: closed_messages(out) == 9, LIMIT_SECONDS)
        assert again.stop() == 0
    assert uris(out) == sorted(map(str, paths))


@pytest.mark.usefixtures("emulator")
def test_a_topic_that_may_not_be_published_to_ends_the_stream_and_is_served_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = os.environ["PUBSUB_EMULATOR_HOST"]
    out, complaints = tmp_path / "out", tmp_path / "complaints"
    paths = recordings(tmp_path, 2)
    channel, rows = new_channel(), new_channel()
    flags = (*FLAGS, f"--output_topic={rows.topic}")
    send(channel, paths)
    with refusing_to_publish(emulator) as host:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
        stream = start_stream(channel, out, *flags, complaints=complaints)
        assert stream.process.wait(LIMIT_SECONDS) == 1
    *_, said = complaints.read_text().splitlines()
    assert f"--output_topic={rows.topic} refused a message" in said
    assert "give this account the role pubsub.publisher" in said
    assert "will be published when the stream is started again" in said
    assert "Traceback" not in complaints.read_text()
    assert uris(out) == sorted(map(str, paths))

    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator)
    again = start_stream(channel, out, *flags)
    again.wait_until(lambda: closed_messages(out) == 2, LIMIT_SECONDS)
    assert again.stop() == 0
    published = {json.loads(data)["recording_id"] for data, _ in received(rows)}
    assert published == {row["recording_id"] for row in read_rows(out, "recordings")}


@pytest.mark.usefixtures("emulator")
def test_a_message_that_kills_costs_its_neighbours_nothing(tmp_path: Path) -> None:
    """Each start dies of it; the others are acknowledged before they are dead letters."""
    out = tmp_path / "out"
    dead = new_channel()
    policy = DeadLetterPolicy(dead_letter_topic=dead.topic, max_delivery_attempts=20)
    channel = new_channel(dead_letter_policy=policy)
    killer, *innocent = recordings(tmp_path, 5)
    send(channel, [killer, *innocent])
    for _ in range(20):
        stream = start_stream(channel, out, *FLAGS, program=(KILLED_BY, killer.name))
        assert stream.process.wait(LIMIT_SECONDS) < 0
        if closed_messages(out) >= len(innocent):
            break
    assert uris(out) == sorted(map(str, innocent))
    last = start_stream(channel, out, *FLAGS)  # a version that can read it
    last.wait_until(lambda: str(killer) in uris(out), LIMIT_SECONDS)
    assert last.stop() == 0
    assert len(uris(out)) == 1 + len(innocent)
