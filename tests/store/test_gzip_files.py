"""Gzip is recognised by its first bytes."""

from __future__ import annotations

import gzip
import io

import pytest

from beam_audio.store import GZIP_DAMAGE, unpacked


@pytest.mark.parametrize("content", [b"", b"R", b"RIFF", b"\x1f\x8b", b"x" * 100_000])
def test_a_file_gives_the_same_bytes_plain_or_compressed(content: bytes) -> None:
    assert unpacked(io.BytesIO(content)).read() == content
    assert unpacked(io.BytesIO(gzip.compress(content))).read() == content


@pytest.mark.parametrize("end", [-1, -20, 30])
def test_damage_raises_one_of_the_errors_that_are_named(end: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 100)[:end]
    with pytest.raises(GZIP_DAMAGE):
        unpacked(io.BytesIO(packed)).read()


def test_reading_a_little_of_a_bomb_takes_little_memory() -> None:
    packed = gzip.compress(bytes(1 << 26))
    assert len(unpacked(io.BytesIO(packed)).read(1000)) == 1000
