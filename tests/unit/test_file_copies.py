"""Cuts of one file share a copy of it."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import WINDOWS, read_all, ref, settings, tones, transcribe, write

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.unit.file_copies import FileCopies

if TYPE_CHECKING:
    from beam_audio.types import AudioRef

CONTENT = os.urandom(100_000)


def cuts_of(path: Path, count: int) -> list[AudioRef]:
    whole = ref(path)
    return [replace(whole, offset_seconds=float(n), duration_seconds=1.0) for n in range(count)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files that are opened from here on."""
    names: list[str] = []
    open_input = store.open_input

    def noted(item: AudioRef) -> object:
        names.append(Path(item.uri).name)
        return open_input(item)

    monkeypatch.setattr(store, "open_input", noted)
    return names


def test_threads_read_one_copy_each_from_its_own_place(tmp_path: Path, opened: list[str]) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    refs = cuts_of(tmp_path / "a.bin", 8)

    def read(one: AudioRef) -> tuple[bytes, str]:
        file, sha256 = copies.open(one, 1 << 20)
        with file:
            first = file.read(1000)
            file.seek(-10, os.SEEK_END)
            return first + file.read(), sha256

    with FileCopies(refs) as copies, ThreadPoolExecutor(4) as threads:
        found = [*threads.map(read, refs)]
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert set(found) == {(CONTENT[:1000] + CONTENT[-10:], sha256)}
    assert opened == ["a.bin"]


def test_descriptors_are_closed_with_the_last_cut_or_the_unit(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    refs = cuts_of(tmp_path / "a.bin", 3)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a look
    for count in (1, 3):
        with FileCopies(refs) as copies:
            for one in refs[:count]:
                copies.open(one, 1 << 20)[0].close()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - a look


def test_each_cut_of_a_file_that_is_gone_fails(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    refs = cuts_of(tmp_path / "a.bin", 2)
    (tmp_path / "a.bin").unlink()
    with FileCopies(refs) as copies:
        for one in refs:
            with pytest.raises(InputError):
                copies.open(one, 1 << 20)


@pytest.mark.parametrize("isolated", [True, False])
def test_cuts_have_the_rows_that_each_has_alone(
    tmp_path: Path, opened: list[str], *, isolated: bool
) -> None:
    refs = cuts_of(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4])), 4)
    refs += cuts_of(write(tmp_path / "b.wav", tones([0.4, 0.3])), 2)
    using = settings(segments=WINDOWS, isolate_decoding=isolated)
    transcribe(tmp_path / "together", *refs, using=using)
    assert sorted(name for name in opened if name.endswith(".wav")) == ["a.wav", "b.wav"]
    for one in refs:
        transcribe(tmp_path / "apart", one, using=using)
    assert read_all(tmp_path / "together") == read_all(tmp_path / "apart")
