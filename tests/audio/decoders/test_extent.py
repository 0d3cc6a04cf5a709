"""Where containers end, by their own words, against where their files end."""

from __future__ import annotations

import io

import pytest
import soundfile
from support.encoded_audio import RATE_HZ, encode, encode_packets, noise

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.extent import Extent, extent_of


def uncompressed(container: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(1.0), RATE_HZ, format=container, subtype="PCM_16")
    return file.getvalue()


WHOLE = {
    **{name: uncompressed(name) for name in ("WAV", "WAVEX", "AIFF", "AU", "W64", "CAF")},
    "MP4": encode_packets(noise(1.0), "mp4", "aac"),
    "faststart": encode_packets(noise(1.0), "mp4", "aac", options={"movflags": "faststart"}),
    "fragments": encode_packets(
        noise(3.0), "mp4", "aac", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ),
    "Matroska": encode_packets(noise(1.0), "matroska", "aac"),
}
SAYS_NOTHING = {
    "FLAC": encode(noise(1.0), "flac"),
    "live WebM": encode_packets(noise(1.0), "webm", "libopus", options={"live": "1"}),
}


def extent(data: bytes) -> Extent:
    return extent_of(ByteSource(io.BytesIO(data)))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_container_ends_with_its_file(name: str) -> None:
    found = extent(WHOLE[name])
    assert found.problem() is None
    assert found.end is not None
    assert abs(found.end - len(WHOLE[name])) <= 1
    assert found.held == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", WHOLE)
def test_a_container_that_is_cut_off_says_so(name: str) -> None:
    half = extent(WHOLE[name][: len(WHOLE[name]) // 2])
    assert "the file has" in str(half.problem())
    if name != "fragments":
        assert half.held == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_after_the_end_are_counted_unless_they_are_tags_or_padding(name: str) -> None:
    data = WHOLE[name]
    assert extent(data + bytes(3_000)).problem() is None
    assert extent(data + b"TAG" + b"x" * 125).problem() is None
    assert extent(data + b"ID3\4\0\0" + b"x" * 2_000).problem() is None
    assert "3000 bytes after the end" in str(extent(data + b"\x93\xfe\x01" * 1_000).problem())
    assert f"{len(data)} bytes after the end" in str(extent(data + data).problem())


@pytest.mark.parametrize("name", SAYS_NOTHING)
def test_other_containers_end_with_their_file(name: str) -> None:
    found = extent(SAYS_NOTHING[name] + bytes(3_000))
    assert (found.end, found.held, found.problem()) == (None, 1.0, None)


@pytest.mark.parametrize("size", [0x7FFFF000, 0xFFFFFFFF])
def test_a_size_left_open_says_nothing(size: int) -> None:
    data = bytearray(uncompressed("WAV"))
    data[40:44] = size.to_bytes(4, "little")
    assert extent(bytes(data)).end is None


def test_a_size_of_samples_far_too_small_is_found() -> None:
    data = bytearray(encode(noise(10.0)))
    data[40:44] = (2 * RATE_HZ).to_bytes(4, "little")
    assert extent(bytes(data)).open_at == 40
    assert extent(bytes(data[:60_000])).open_at is None
    assert extent(uncompressed("WAV") * 4).open_at is None


@pytest.mark.parametrize("start", [b"RIFF", b"FORM", b"caff", b".snd", b"\x1a\x45\xdf\xa3"])
def test_noise_behind_a_mark_ends_nowhere(start: bytes) -> None:
    for filler in (b"\0", b"\xff", b"a", b"\x01\x80"):
        extent((start + filler * 100)[:100]).problem()
