"""What follows the first stream of a file."""

from __future__ import annotations

import io

import pytest
from support.encoded_audio import encode, noise

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.leftover import leftover_bytes

CONTAINERS = {"vorbis": "ogg", "mp3": "mp3", "flac": "flac"}


@pytest.fixture(params=CONTAINERS, scope="module")
def kind(request: pytest.FixtureRequest) -> tuple[bytes, str]:
    return encode(noise(3.0), request.param), CONTAINERS[request.param]


def leftover(data: bytes, container: str) -> int:
    return leftover_bytes(ByteSource(io.BytesIO(data)), container)


def test_a_whole_file_has_none(kind: tuple[bytes, str]) -> None:
    assert leftover(*kind) == 0


def test_a_second_recording_is_counted(kind: tuple[bytes, str]) -> None:
    data, container = kind
    assert leftover(data + data, container) == len(data)


def test_tags_and_padding_are_not(kind: tuple[bytes, str]) -> None:
    data, container = kind
    assert leftover(data + b"TAG" + b"x" * 125, container) == 0
    assert leftover(data + b"\0" * 5000, container) == 0


def test_a_flac_joined_across_the_border_of_a_block_is_found() -> None:
    data = encode(noise(1.0), "flac")
    padded = data + b"\x01" * (2**20 - len(data) - 3) + data
    assert leftover(padded, "flac") == len(data)


@pytest.mark.parametrize("damaged", [b"", b"OggS", b"OggS" + b"\xff" * 40])
def test_a_damaged_ogg_has_none(damaged: bytes) -> None:
    assert leftover(damaged, "ogg") == 0
