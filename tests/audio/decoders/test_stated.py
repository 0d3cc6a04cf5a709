"""Lengths that headers state, read from the bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from support.encoded_audio import encode, encode_packets, noise

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.stated import (
    bytes_at,
    matroska_seconds,
    mpeg_count,
    ogg_is_whole,
)


def source(data: bytes) -> ByteSource:
    return ByteSource(io.BytesIO(data))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_with_an_info_frame_states_its_length(rate_hz: int, channels: int) -> None:
    file = io.BytesIO()
    samples = np.resize(noise(5.0, channels), (5 * rate_hz, channels))
    soundfile.write(file, samples, rate_hz, format="MP3")
    data = file.getvalue()
    count, half = mpeg_count(source(data)), mpeg_count(source(data[: len(data) // 2]))
    assert count is not None
    assert half is not None
    assert 4.6 < count.seconds == half.seconds <= 5.0
    assert count.held == pytest.approx(1.0, abs=0.01)
    assert half.held == pytest.approx(0.5, abs=0.01)


def test_a_tag_before_the_first_frame_is_skipped() -> None:
    data = encode(noise(5.0), "mp3")
    tag = b"ID3\4\0\0" + bytes([0, 18, 0, 0]) + b"\xff\xfb" * 147_456
    assert mpeg_count(source(tag + data)) == mpeg_count(source(data)) is not None


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfb\x90\x64", b"no audio", bytes(100_000)])
def test_nothing_is_stated_without_a_header(data: bytes) -> None:
    assert mpeg_count(source(data)) is None
    assert matroska_seconds(source(data)) is None
    assert not ogg_is_whole(source(data))


def test_matroska_states_its_length_unless_it_is_live() -> None:
    whole = encode_packets(noise(3.0), "matroska", "aac")
    assert matroska_seconds(source(whole)) == pytest.approx(3.0, abs=0.15)
    live = encode_packets(noise(3.0), "webm", "libopus", options={"live": "1"})
    assert matroska_seconds(source(live)) is None


def test_an_ogg_without_its_last_page_is_not_whole() -> None:
    data = encode(noise(3.0), "vorbis")
    assert ogg_is_whole(source(data))
    assert not ogg_is_whole(source(data[:-10]))
    assert not ogg_is_whole(source(data[: data.rfind(b"OggS")]))


def test_looking_at_bytes_moves_nothing() -> None:
    file = source(b"0123456789")
    file.seek(4)
    assert bytes_at(file, 7, 2) == b"78"
    assert file.read(2) == b"45"
