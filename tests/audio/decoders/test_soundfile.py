from __future__ import annotations

import io
import re
import sys

import numpy as np
import pytest
import soundfile
from support.encoded_audio import FLAC_COUNT, RATE_HZ, encode, noise, read_all

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.audio.decoders.stream import AudioStream


@pytest.mark.parametrize(
    ("kind", "lands_at"),
    [("wav", 7_777), ("float", 7_777), ("flac", 7_777), ("vorbis", 0), ("opus", 0), ("mp3", 0)],
)
def test_soundfile_seeks_where_seeking_is_exact(kind: str, lands_at: int) -> None:
    whole = SoundfileReader(io.BytesIO(encode(noise(1.0), kind)))
    expected = np.concatenate([whole.read() for _ in range(4)])
    reader = SoundfileReader(io.BytesIO(encode(noise(1.0), kind)))
    assert reader.seek(7_777) == lands_at
    np.testing.assert_array_equal(reader.read()[:100], expected[lands_at : lands_at + 100])


def test_an_unseekable_flac_is_read_from_its_start() -> None:
    data = encode(noise(10.0), "flac")
    reader = SoundfileReader(io.BytesIO(data[: len(data) // 4]))
    assert reader.seek(150_000) == 0
    assert len(reader.read()) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's stderr is muted on Linux")
def test_damaged_mp3_frames_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encode(noise(5.0), "mp3"))
    generator = np.random.default_rng(1)
    for place in generator.integers(3_000, len(data), 300):
        data[place] ^= 0xFF
    reader = SoundfileReader(io.BytesIO(bytes(data)))
    frames = 0
    while chunk_frames := len(reader.read()):
        frames += chunk_frames
    reader.close()
    assert frames > 16_000
    assert capfd.readouterr().err == ""


def test_mp3_blocks_have_no_seams() -> None:
    data = encode(noise(3.0), "mp3")
    whole, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    samples, _ = read_all(data, decoder="soundfile", block_seconds=0.1)
    np.testing.assert_allclose(samples, whole, atol=1e-6)


def test_a_flac_of_unknown_length_is_decoded_to_its_end() -> None:
    data = bytearray(encode(noise(3.3), "flac"))
    data[FLAC_COUNT] = bytes(4)
    samples, truncation = read_all(bytes(data))
    assert (len(samples), truncation) == (round(3.3 * RATE_HZ), None)


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "AIFF", "AU", "W64", "RF64"])
def test_a_size_beyond_the_file_is_a_truncation(container: str) -> None:
    encoded = io.BytesIO()
    soundfile.write(encoded, noise(4.0), RATE_HZ, format=container, subtype="PCM_16")
    data = encoded.getvalue()
    whole, complete = read_all(data)
    part, truncation = read_all(data[: len(data) // 2])
    assert complete is None
    np.testing.assert_array_equal(part, whole[: len(part)])
    assert len(part) >= 0.49 * len(whole)
    assert truncation is not None
    stated = re.search(r"the header states ([\d.]+) s", str(truncation))
    assert stated is not None
    assert float(stated[1]) == pytest.approx(4.0, abs=0.01)  # some sizes count headers too


@pytest.mark.parametrize("size", [0x7FFFF000, 0xFFFFFFFF])
def test_a_size_left_open_by_a_recorder_is_not_a_truncation(size: int) -> None:
    data = bytearray(encode(noise(1.0), "wav"))
    data[40:44] = size.to_bytes(4, "little")
    samples, truncation = read_all(bytes(data))
    assert (len(samples), truncation) == (RATE_HZ, None)


@pytest.mark.parametrize("kept", [0.1, 0.5])
def test_no_more_frames_are_read_than_the_file_can_hold(kept: float) -> None:
    encoded = io.BytesIO()
    soundfile.write(encoded, noise(4.0), RATE_HZ, format="SDS", subtype="PCM_16")
    data = encoded.getvalue()[: round(kept * len(encoded.getvalue()))]
    request = DecodeRequest(rare_containers=("sds",))
    with AudioStream(io.BytesIO(data), request) as stream:
        frames = sum(map(len, stream.blocks()))
    assert frames <= len(data) // 2
    assert "more frames than" in str(stream.truncation)
