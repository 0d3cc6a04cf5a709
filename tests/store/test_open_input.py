"""Inputs opened, wherever their bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import google_bucket, put

from beam_audio.errors import InputError
from beam_audio.store.open_input import open_input
from beam_audio.types import AudioRef, ByteRange

if TYPE_CHECKING:
    from pathlib import Path


def test_a_range_is_read_of_the_file_that_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "s.tar"
    file.write_bytes(b"0123456789")
    ref = AudioRef(f"{file}#a", 4, inside=ByteRange(str(file), 2, 4))
    with open_input(ref) as opened:
        assert opened.read() == b"2345"
    with open_input(AudioRef(str(file), 10)) as opened:
        assert opened.read() == b"0123456789"


def test_a_range_of_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    ref = AudioRef("s.tar#a", 4, inside=ByteRange(str(tmp_path / "none.tar"), 2, 4))
    with pytest.raises(InputError, match="cannot open"):
        open_input(ref)


def test_a_range_of_an_object_is_read_from_a_bucket() -> None:
    content = bytes(range(256)) * 2000
    with google_bucket() as bucket:
        put(f"{bucket}/s.tar", content)
        inside = ByteRange(f"{bucket}/s.tar", 200_000, 150_000)
        with open_input(AudioRef(f"{bucket}/s.tar#a", 150_000, inside=inside)) as opened:
            assert opened.read() == content[200_000:350_000]
