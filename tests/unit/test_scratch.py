"""Temporary files of a unit: what fails about them is the machine's fault."""

from __future__ import annotations

import tempfile
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from beam_audio.errors import MachineError
from beam_audio.unit.scratch import StoredBytes, append_bytes, read_bytes, scratch


def test_audio_is_read_back() -> None:
    with TemporaryFile() as file:
        stored = [append_bytes(file, each) for each in (b"first", b"", b"last")]
        assert [read_bytes(file, each) for each in stored] == [b"first", b"", b"last"]
    assert stored[2] == StoredBytes(5, 4)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_with_its_cure() -> None:
    expected = pytest.raises(MachineError, match=r"temporary folder .*No space left.*TMPDIR")
    with Path("/dev/full").open("wb", buffering=0) as file, expected:
        append_bytes(file, b"audio")


def test_a_folder_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(MachineError, match=r"gone cannot be used.*set TMPDIR"), scratch():
        TemporaryFile().close()
