"""Members of tar files, read."""

from __future__ import annotations

import io
import tarfile

import pytest

from beam_audio.errors import InputError
from beam_audio.store.tar_member import TarMemberFile, header_name


def packed(*contents: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for number, content in enumerate(contents):
            member = tarfile.TarInfo(f"{number}.wav")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_a_member_is_read_in_pieces_of_any_size() -> None:
    tar = packed(b"ab" * 3000, b"c")
    for piece_bytes in (1, 257, 512, 5000, 10_000):
        with TarMemberFile(io.BytesIO(tar), 512, 6000) as file:
            pieces = iter(lambda: file.read(piece_bytes), b"")  # noqa: B023 - used at once
            assert b"".join(pieces) == b"ab" * 3000


def test_a_member_that_swallows_the_next_is_refused_by_name() -> None:
    tar = packed(b"a" * 1000, b"b" * 1000)
    with (
        TarMemberFile(io.BytesIO(tar), 512, 1024 + 512 + 1000) as file,
        pytest.raises(InputError, match=r"'1.wav' begins inside it, after 1024 bytes"),
    ):
        file.read()


def test_audio_that_only_says_ustar_is_audio() -> None:
    content = bytearray(2048)
    content[512 + 257 : 512 + 262] = b"ustar"
    with TarMemberFile(io.BytesIO(packed(bytes(content))), 512, 2048) as file:
        assert file.read() == content
    assert header_name(bytes(512)) is None
    assert header_name(packed(b"x")[:512]) == "0.wav"
