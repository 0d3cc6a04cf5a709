"""What a person hands over is opened, with the identity that a run gives it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import InputError
from beam_audio.unit.opened_source import opened_source

if TYPE_CHECKING:
    from pathlib import Path


def test_paths_bytes_and_files_have_the_same_content(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"content")
    expected = hashlib.sha256(b"content").hexdigest()
    with path.open("rb") as file:
        file.read(3)
        for source in (path, str(path), b"content", file):
            with opened_source(source, 100) as opened:
                opened.file.seek(0)
                assert (opened.content_sha256, opened.file.read()) == (expected, b"content")


def test_a_path_is_named_as_runs_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.wav").write_bytes(b"content")
    monkeypatch.chdir(tmp_path)
    with opened_source("a.wav", 100) as opened:
        assert opened.ref.uri == str(tmp_path / "a.wav")


def test_what_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none"), opened_source(tmp_path / "none", 100):
        pass
