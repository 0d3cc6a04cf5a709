from __future__ import annotations

import io

import hypothesis.strategies as st
import pytest
from hypothesis import given

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.errors import DecodeError

CONTENT = bytes(range(256)) * 3_000
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, len(CONTENT) + 10)),
        st.tuples(st.just("set"), st.integers(0, len(CONTENT) + 10)),
        st.tuples(st.just("end"), st.integers(-len(CONTENT), 10)),
        st.tuples(st.just("into"), st.integers(0, 5_000)),
    )
)


@given(OPERATIONS)
def test_a_source_reads_as_the_file_does(operations: list[tuple[str, int]]) -> None:
    plain, source = io.BytesIO(CONTENT), ByteSource(io.BytesIO(CONTENT))
    for name, number in operations:
        if name == "read":
            assert source.read(number) == plain.read(number)
        elif name == "into":
            ours, theirs = bytearray(number), bytearray(number)
            assert source.readinto(ours) == plain.readinto(theirs)
            assert ours == theirs
        else:
            whence = io.SEEK_SET if name == "set" else io.SEEK_END
            assert source.seek(number, whence) == plain.seek(number, whence)
        assert source.tell() == plain.tell()
        assert source.unread_bytes == len(CONTENT) - plain.tell()


def test_a_source_reads_its_file_rarely() -> None:
    class Counting(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Counting.reads += 1
            return super().read(size)

    source = ByteSource(Counting(CONTENT))
    while source.read(100):
        pass
    assert Counting.reads <= 5


def test_an_error_of_the_decoder_is_named() -> None:
    source = ByteSource(io.BytesIO(CONTENT))
    with pytest.raises(DecodeError, match="seen: no frame"), source.decoding("seen: {}".format):
        raise ValueError("no frame")


class DyingFile(io.BytesIO):
    def read(self, _size: int | None = -1, /) -> bytes:
        raise OSError("the disk died")


def decode(source: ByteSource, *, raising: bool) -> None:
    with source.decoding(str):
        assert source.read(100) == b""
        if raising:
            raise ValueError("format not recognised")


@pytest.mark.parametrize("raising", [False, True])
def test_an_error_of_the_file_comes_first(*, raising: bool) -> None:
    with pytest.raises(OSError, match="the disk died"):
        decode(ByteSource(DyingFile(CONTENT)), raising=raising)
