"""The verbs that look after an output: what they print, and their exit status."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from support.run_outputs import Command, run_words

if TYPE_CHECKING:
    from pathlib import Path


def test_status_says_whether_an_output_is_complete(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert command("status", output)[0] == 2
    command(*run_words(audio, output))
    status, out, err = command("status", output)
    assert (status, err) == (0, "")
    assert "complete    yes" in out
    assert "2 recorded" in out
    status, out, _ = command("status", output, "--json")
    assert status == 0
    assert json.loads(out)["is_complete"] is True
    (record,) = output.glob("run-*.json")
    record.unlink()
    status, out, _ = command("status", output)
    assert status == 1
    assert "none has ended" in out


def test_expire_says_what_it_deletes(command: Command, audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command(*run_words(audio, output))
    payload = output / "_payloads" / "aa"
    payload.parent.mkdir()
    payload.write_bytes(b"12345")
    os.utime(payload, (1.0, 1.0))
    status, out, _ = command("expire", output, "--older_than=30d", "--dry_run")
    assert status == 0
    assert "1 files of 5 bytes would be deleted: 1 payload" in out
    assert payload.exists()
    status, out, _ = command("expire", output, "--older_than=30d")
    assert (status, payload.exists()) == (0, False)
    assert "_payloads/aa" in out
    assert command("expire", output, "--older_than=soon")[0] == 2
    assert command("expire", output)[0] == 2


def test_forget_prints_a_proof_without_naming_anybody(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command(*run_words(audio, output))
    status, out, err = command("forget", output, f"--uri={audio / 'one.wav'}")
    assert (status, err) == (0, "")
    assert "1 inputs, 1 recordings" in out
    assert "balances: 2 recordings before = 1 now + 1 forgotten" in out
    assert "no id, address, hash or text left" in out
    assert "one.wav" not in out
    status, _, err = command("forget", output, "--recording=no-such")
    assert (status, "no such recording" in err) == (2, True)
    assert command("forget", output)[0] == 2
    assert command("forget", output, "--metadata=speaker")[0] == 2
    status, out, _ = command(*run_words(audio, output))
    assert status == 0
    assert "forgotten            1" in out
