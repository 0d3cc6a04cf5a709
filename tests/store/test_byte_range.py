"""A stretch of a file as a file of its own."""

from __future__ import annotations

import io

import pytest

from beam_audio.store.byte_range import ByteRangeFile


def test_nothing_outside_the_stretch_is_read() -> None:
    with ByteRangeFile(io.BytesIO(b"0123456789"), 3, 4) as file:
        assert file.read() == b"3456"
        assert file.read(1) == b""
        assert file.seek(-2, io.SEEK_END) == 2
        assert file.read(9) == b"56"
        assert file.seek(1) == file.tell() == 1
        assert file.read(2) == b"45"


def test_a_file_that_has_become_shorter_is_an_error_and_no_silence() -> None:
    file = io.BufferedReader(ByteRangeFile(io.BytesIO(b"0123"), 2, 9))
    with pytest.raises(OSError, match="shorter than when it was listed"):
        file.read()


def test_the_whole_file_is_closed_with_it() -> None:
    whole = io.BytesIO(b"0123")
    ByteRangeFile(whole, 0, 1).close()
    assert whole.closed
