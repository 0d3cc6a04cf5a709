"""The verb tables: what it prints, what it refuses, and what other verbs then keep or erase."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from support.registered import FORMATS, registered_rows, replace_texts, same_rows
from support.run_outputs import Command, run_words

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def output(command: Command, audio: Path, tmp_path: Path) -> Path:
    command(*run_words(audio, tmp_path / "out"))
    return tmp_path / "out"


def test_what_changed_is_told_and_registered_tables_need_no_flag(
    command: Command, output: Path
) -> None:
    status, _, err = command("tables", output)
    assert (status, "say which with --format" in err) == (2, True)
    for name in FORMATS:
        status, out, err = command("tables", output, f"--format={name}")
        assert (status, err) == (0, "")
        assert f"{name:<10}recordings  " in out
    status, out, _ = command("tables", output)
    assert status == 0
    assert out.count("0 added, 0 removed") == 3 * len(FORMATS)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--format=csv"], "invalid choice"),
        (["--format=delta", "--catalog=prod"], "--catalog is for --format=iceberg"),
        (["--namespace=a"], "give --format beside"),
        (["--format=delta", "--every=often"], "no number of seconds"),
        (["--format=bigquery"], "reads gs:// alone"),
        (["--formt=delta"], "--format"),
    ],
)
def test_what_cannot_be_is_refused(
    command: Command, tmp_path: Path, flags: list[str], message: str
) -> None:
    status, _, err = command("tables", tmp_path, *flags)
    assert status == 2
    assert message in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "library"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_missing_library_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.catalog.sql", None)
    status, _, err = command("tables", tmp_path, f"--format={name}")
    assert status == 2
    assert f"pip install 'beam_audio[{name}]'" in err


def test_forget_takes_the_rows_out_of_tables_and_their_files(
    command: Command, output: Path, audio: Path
) -> None:
    for name in FORMATS:
        command("tables", output, f"--format={name}")
    command("compact", output)
    before = len(registered_rows(output, "delta", "recordings"))
    status, out, err = command("forget", output, f"--uri={audio / 'one.wav'}")
    assert (status, err) == (0, "")
    assert "no id, address, hash or text left" in out
    for name in FORMATS:
        rows = registered_rows(output, name, "recordings")
        assert len(rows) == before - 1
        assert not any(row["uri"].endswith("one.wav") for row in rows)


def test_expire_leaves_what_tables_name(command: Command, output: Path) -> None:
    command("tables", output, "--format=delta")
    before = registered_rows(output, "delta", "segments")
    replace_texts(output, "new")
    for path in output.rglob("*"):
        os.utime(path, (1.0, 1.0))
    assert "0 files" in command("expire", output, "--older_than=30d")[1]
    assert same_rows(registered_rows(output, "delta", "segments"), before)
    command("tables", output)
    for path in output.rglob("*"):
        os.utime(path, (1.0, 1.0))
    found = command("expire", output, "--older_than=30d", "--dry_run")[1]
    assert command("expire", output, "--older_than=30d")[1] == found.replace("would be ", "")
    assert "superseded" in found
    texts = {row["text"] for row in registered_rows(output, "delta", "segments")}
    assert texts == {"new"}
