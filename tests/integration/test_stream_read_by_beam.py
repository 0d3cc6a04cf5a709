"""The graph that Dataflow gets, with Beam's own source, read from the emulator.

The runner is Beam's local one that reads Pub/Sub. It acknowledges messages as it pulls
them, ten at a time, and checks its timers when a pull returns; nothing is killed here.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.project import ROOT
from support.pubsub_emulator import new_channel, publish, pubsub_emulator
from support.run_outputs import all_rows, run, write_manifest, write_speech
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "tests" / "support" / "read_by_beam.py"
COUNT = 16
LIMIT_SECONDS = 240


@pytest.fixture(autouse=True)
def emulator() -> Iterator[None]:
    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


def test_rows_are_those_of_a_batch_and_every_ledger_balances(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {
            "audio_filepath": str(write_speech(tmp_path / f"{n}.wav", n / 4, 1.0 + n / 10)),
            "event_time": f"2026-01-0{1 + n % 2}",
            "n": n,
        }
        for n in range(COUNT)
    ]
    lines.append({"audio_filepath": str(tmp_path / "none.wav")})
    batch, out = tmp_path / "batch", tmp_path / "out"
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=batch)
    encoded = [(json.dumps(line).encode(), {"x": "y"}) for line in lines]
    inline = write_speech(tmp_path / "inline.wav", 1.5).read_bytes()
    first = [*encoded[:9], *encoded[:2], (inline, {"content_type": "audio/wav", "uri": "said"})]
    rest = [*encoded[9:], *encoded[4:6], (b"?", {})]

    channel = new_channel()
    began_seconds = time.time()
    publish(channel.topic, *first)
    stream = start_stream(channel, out, "--max_wait_seconds=1", program=[str(PROGRAM)])
    try:
        stream.wait_until(lambda: closed_messages(out) >= len(first), LIMIT_SECONDS)
        ids = publish(channel.topic, *rest)
        everything = len(first) + len(rest)
        stream.wait_until(lambda: closed_messages(out) >= everything, LIMIT_SECONDS)
    finally:
        stream.kill()

    rows, wanted = all_rows(out), all_rows(batch)
    said = [row for row in rows["recordings"] if row["uri"] == "said"]
    for table in ("segments", "recordings"):
        assert [row for row in rows[table] if row["uri"] != "said"] == wanted[table]
    (event_time,) = {row["event_time"] for row in said}
    assert began_seconds - 60 < event_time.timestamp() < time.time()
    assert {row["uri"] for row in rows["failures"]} == {
        str(tmp_path / "none.wav"),
        f"pubsub:{ids[-1]}",
    }
    ledgers = [json.loads(path.read_text()) for path in sorted((out / "ledger").iterdir())]
    assert len(ledgers) > 1
    assert all(each["balances"] for each in ledgers)
    assert [each["name"][-7:] for each in ledgers] == [
        f"-{number:06}" for number in range(1, len(ledgers) + 1)
    ]
    assert sum(each["messages"] for each in ledgers) == everything
    assert sum(each["repeated"] for each in ledgers) == 4
