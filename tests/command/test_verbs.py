"""What the verbs do, what they print, and the exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, all_rows, listing, run_files, run_words

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("flag", "named"),
    [("--partition_by=language", "--partition_by"), ("--store_audio=flac", "--store_audio")],
)
def test_an_output_laid_out_otherwise_is_left_alone(
    command: Command, audio: Path, tmp_path: Path, flag: str, named: str
) -> None:
    output = tmp_path / "out"
    assert command(*run_words(audio, output))[0] == 0
    before = listing(output)
    status, _, err = command(*run_words(audio, output, flag))
    assert status == 2
    assert f"made with another {named}" in err
    assert listing(output) == before
    assert len(run_files(output)) == 1


def test_other_rules_are_applied_to_what_is_there(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command(*run_words(audio, output))
    status, out, _ = command(*run_words(audio, output, "--rules=strict"))
    assert status == 0
    assert "2 done again" in out
    command(*run_words(audio, tmp_path / "fresh", "--rules=strict"))
    assert all_rows(output) == all_rows(tmp_path / "fresh")


def test_compact_tells_how_many_files_are_left(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    flags = [f"--input={audio}", f"--output={out}", "--model=placeholder", "--unit_bytes=1"]
    assert command("run", *flags)[0] == 0
    files = len(list(out.rglob("*.parquet")))
    status, text, _ = command("compact", str(out))
    assert status == 0
    assert text.startswith(f"{files} part files, now {len(list(out.rglob('*.parquet')))};")
    assert command("run", *flags)[0] == 0
    status, _, err = command("compact", str(tmp_path))
    assert (status, "--output" in err) == (2, True)
