from __future__ import annotations

import os
from pathlib import Path

import pytest

from beam_audio.unit.spool_file import SpoolFile


@pytest.mark.parametrize("megabytes", [0, 16, 17, 40])
def test_what_is_written_is_read_here_and_by_descriptor(megabytes: int) -> None:
    chunks = [os.urandom(1 << 20) for _ in range(megabytes)]
    with SpoolFile() as file:
        for chunk in chunks:
            assert file.write(chunk) == len(chunk)
        assert file.tell() == megabytes << 20
        file.seek(0)
        whole = b"".join(chunks)
        assert file.read() == whole
        assert os.pread(file.fileno(), len(whole) + 1, 0) == whole


def test_small_content_stays_in_memory_and_large_goes_to_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SpoolFile() as file:
        file.write(bytes(16 << 20))
        place = Path(f"/proc/self/fd/{file.fileno()}")
        assert not place.readlink().is_relative_to(tmp_path)
        file.write(b"x")
        assert place.readlink().is_relative_to(tmp_path)
    assert [*tmp_path.iterdir()] == []
