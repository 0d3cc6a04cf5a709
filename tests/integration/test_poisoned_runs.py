"""Decoders that abort, hang, leak and print cost a recording each, on runners and in streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.poisoned import poison
from support.project import ROOT
from support.pubsub_emulator import publish
from support.run_outputs import all_rows, only, run_files, write_speech
from support.stream_processes import closed_messages, committed_sources, start_stream

if TYPE_CHECKING:
    from pathlib import Path

    from support.pubsub_emulator import Channel

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "tests" / "support" / "poisoned_run.py"
KINDS = {
    "abort": ("DecoderCrash", "the decoder soundfile died of abort_{}.wav (SIGABRT)"),
    "leak": ("DecoderCrash", "the decoder soundfile takes more than 2048 MiB of memory"),
    "exit": ("DecoderCrash", "the decoder soundfile died of exit_{}.wav (exit status 3)"),
    "sleep": ("DecoderHang", "the decoder soundfile never gets through sleep_{}.wav"),
    "flood": ("DecodeError", "not audio that soundfile or PyAV can read"),
}
LIMIT_SECONDS = 240


def write_inputs(folder: Path, good: int, bad: dict[str, int]) -> list[Path]:
    """Speech, and between it files that poison their decoder."""
    paths = [
        write_speech(folder / f"good_{number:03}.wav", number % 40 / 10, 0.5)
        for number in range(good)
    ]
    for verb, count in bad.items():
        for number in range(count):
            paths.append(folder / f"{verb}_{number}.wav")
            paths[-1].write_bytes(poison(verb))
    return paths


def check_rows(output: Path, good: int, bad: dict[str, int]) -> None:
    """Each good file has a row, and each bad one a failure that names it and what it did."""
    rows = all_rows(output)
    assert len(rows["recordings"]) == good
    assert len(rows["failures"]) == sum(bad.values())
    for row in rows["failures"]:
        name = str(row["uri"]).rpartition("/")[2]
        verb, _, number = name.removesuffix(".wav").partition("_")
        error_type, message = KINDS[verb]
        assert row["error_type"] == error_type
        assert message.format(number) in str(row["message"])


@pytest.mark.parametrize(
    ("flags", "good", "bad"),
    [
        ((), 490, {"abort": 5, "leak": 4, "sleep": 1}),
        (
            ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
            56,
            {"abort": 1, "leak": 1, "exit": 1, "sleep": 1, "flood": 1},
        ),
    ],
)
def test_poisoned_recordings_cost_themselves(
    flags: tuple[str, ...], good: int, bad: dict[str, int], tmp_path: Path
) -> None:
    write_inputs(tmp_path / "in", good, bad)
    output = tmp_path / "out"
    command = [
        *(sys.executable, str(PROGRAM), "run", f"--input={tmp_path / 'in'}"),
        *(f"--output={output}", "--model=placeholder", "--unit_bytes=1000000", *flags),
    ]
    ran = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "sds : block" not in ran.stdout + ran.stderr
    check_rows(output, good, bad)
    assert json.loads(only(run_files(output)).read_text())["ledger"]["balances"]


def test_poisoned_messages_cost_themselves(tmp_path: Path, channel: Channel) -> None:
    good, bad = 26, {"abort": 1, "leak": 1, "sleep": 1, "flood": 1}
    paths = write_inputs(tmp_path / "in", good, bad)
    messages = (json.dumps({"audio_filepath": str(path)}).encode() for path in paths)
    publish(channel.topic, *((message, {}) for message in messages))
    output = tmp_path / "out"
    stream = start_stream(channel, output, "--max_wait_seconds=1", program=(str(PROGRAM),))
    stream.wait_until(
        lambda: len(committed_sources(output)) == len(paths) <= closed_messages(output),
        LIMIT_SECONDS,
    )
    assert stream.stop() == 0
    assert "sds : block" not in stream.printed()
    check_rows(output, good, bad)
