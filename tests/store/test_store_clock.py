"""The clock of a store goes its own way, whatever the clock of the machine says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import google_bucket

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.store.store_clock import present_seconds

if TYPE_CHECKING:
    from pathlib import Path


def test_a_disk_dates_its_files_now_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert abs(present_seconds(str(tmp_path)) - now) < 60
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_dates_its_objects() -> None:
    with google_bucket() as bucket:
        assert abs(present_seconds(bucket) - time.time()) < 60
        assert store.files_under(bucket) == []


def test_an_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        present_seconds(f"{tmp_path}/file/out")
