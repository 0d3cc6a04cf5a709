"""A stream killed at any moment and started again loses no rows and adds none twice."""

from __future__ import annotations

import json
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT
from support.pubsub_emulator import new_channel, publish, pubsub_emulator
from support.run_outputs import all_rows, commit_files, run, write_manifest, write_speech
from support.stream_processes import closed_messages, committed_sources, start_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.pubsub_emulator import Channel

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "tests" / "support" / "killed_at.py"
RECORDINGS = 200
SLICE = 40
"""Published before each start: more than a unit holds, so that some units are done when it ends."""
LIMIT_SECONDS = 60
LEASE_SECONDS = 60
"""What a killed process held comes again after this time."""


@pytest.fixture(autouse=True)
def emulator() -> Iterator[None]:
    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


def test_a_stream_killed_at_five_moments_loses_nothing_and_adds_nothing_twice(
    tmp_path: Path,
) -> None:
    lines = [
        {
            "audio_filepath": str(
                write_speech(tmp_path / "in" / f"{index}.wav", index / 50, 1.0 + index / 200)
            ),
            "event_time": f"2026-01-0{1 + index % 2}",
        }
        for index in range(RECORDINGS)
    ]
    batch, out = tmp_path / "batch", tmp_path / "out"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=batch)
    channel = new_channel()
    slices = [lines[start : start + SLICE] for start in range(0, RECORDINGS, SLICE)]

    def send(part: list[dict[str, str]]) -> None:
        publish(channel.topic, *((json.dumps(line).encode(), {}) for line in part))

    send(slices[0])
    killed_before_file(channel, out, "_places", 2)  # the messages are pulled
    assert not list((out / "_places").rglob("*.json"))

    send(slices[1])
    killed_before_file(channel, out, "segments")  # their inputs are reserved
    assert list((out / "_places").rglob("*.json"))
    assert not list((out / "segments").rglob("*.parquet"))

    send(slices[2])
    killed_before_file(
        channel, out, "_units", 2
    )  # one unit is committed, another has its part files
    (record,) = commit_files(out)
    parts = {str(path.relative_to(out)) for path in out.rglob("part-*.parquet")}
    assert parts > set(json.loads(record.read_text("utf-8"))["files"])

    closed = closed_messages(out)
    send(slices[3])
    killed_before_file(channel, out, "ledger")  # all units are committed, nothing is acknowledged
    assert len(commit_files(out)) > 1
    assert closed_messages(out) == closed

    send(slices[4])
    stream = start_stream(channel, out, "--max_wait_seconds=1")
    written = len(list((out / "_places").rglob("*.json")))
    stream.wait_until(lambda: len(list((out / "_places").rglob("*.json"))) > written, LIMIT_SECONDS)
    time.sleep(random.Random(5).uniform(0.0, 2.0))
    stream.kill()

    last = start_stream(channel, out, "--max_wait_seconds=1")
    last.wait_until(
        lambda: len(committed_sources(out)) == RECORDINGS <= closed_messages(out),
        LEASE_SECONDS + LIMIT_SECONDS,
    )
    assert last.stop() == 0
    assert "INFO beam_audio: stopped; " in last.printed().splitlines()[-1]
    rows = all_rows(out)
    assert rows == all_rows(batch)
    for table in ("segments", "recordings"):
        ids = [row[f"{table[:-1]}_id"] for row in rows[table]]
        assert len(set(ids)) == len(ids) >= RECORDINGS
    uris = [row["uri"] for row in rows["recordings"]]
    assert sorted(uris) == sorted(line["audio_filepath"] for line in lines)


def killed_before_file(channel: Channel, out: Path, folder: str, number: int = 1) -> None:
    """Run the stream until it is about to write its nth file in a folder of the output."""
    program = (str(PROGRAM), str(out / folder), str(number))
    stream = start_stream(channel, out, "--max_wait_seconds=1", program=program)
    assert stream.process.wait(LIMIT_SECONDS) == -signal.SIGKILL
