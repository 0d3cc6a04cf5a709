from __future__ import annotations

import io

import hypothesis.strategies as st
from hypothesis import given

from beam_audio.audio.decoders.byte_source import ByteSource

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


def test_a_source_asks_its_file_seldom() -> None:
    class Counting(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Counting.reads += 1
            return super().read(size)

    source = ByteSource(Counting(CONTENT))
    while source.read(100):
        pass
    assert Counting.reads <= 5
