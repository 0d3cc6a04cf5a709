from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import soundfile
from support.encoded_audio import RATE_HZ, STEREO, encode, encode_packets, hear, noise, read_all

from beam_audio.audio.decoders.pyav import PyavReader
from beam_audio.errors import ConfigError, DecodeError

if TYPE_CHECKING:
    from pathlib import Path


def test_ffmpeg_follows_no_playlists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.wav").write_bytes(encode(noise(1.0), "wav"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DecodeError):
        PyavReader(io.BytesIO(b"ffconcat version 1.0\nfile 'secret.wav'\n"))


def test_a_stream_without_a_known_codec_is_not_audio() -> None:
    file = io.BytesIO()
    soundfile.write(file, noise(0.1), 16_000, format="W64")
    data = bytearray(file.getvalue())
    data[78] = 0xFF  # bits a sample: some versions of PyAV crash the process on decoding this
    with pytest.raises(DecodeError):
        PyavReader(io.BytesIO(bytes(data)))


def test_a_silent_film_has_no_audio_stream() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=25, width=64, height=64)
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(DecodeError, match="no audio stream"):
        PyavReader(io.BytesIO(file.getvalue()))


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["8-bit-44100Hz.wav", "16-bit-44100Hz.aiff", "24-bit-44100Hz.flac"]
)
def test_both_decoders_agree_on_lossless_samples(shared_data: Path, name: str) -> None:
    data = (shared_data / "formats" / f"sr_audio-stereo-{name}").read_bytes()
    ours, _ = read_all(data, decoder="soundfile")
    theirs, _ = read_all(data, decoder="av")
    assert len(ours) > 100_000
    np.testing.assert_array_equal(ours, theirs)


def test_audio_that_changes_its_rate_midway_is_resampled() -> None:
    data = encode(noise(2.0), "mp3") + encode(noise(1.0), "mp3", rate_hz=8_000)
    samples, truncation = read_all(data)
    assert 4.0 <= len(samples) / RATE_HZ < 4.1
    assert truncation is None


def test_a_missing_optional_decoder_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"pip install 'beam_audio\[media\]'"):
        read_all(encode(STEREO), decoder="av")
    with pytest.raises(DecodeError, match=r"beam_audio\[media\]"):
        read_all(b"not audio")
    joined = encode(noise(2.0), "vorbis") + encode(noise(1.0), "vorbis")
    samples, truncation = read_all(joined)
    assert len(samples) == 2 * RATE_HZ
    assert "beam_audio[media]" in str(truncation)


@pytest.mark.parametrize("lost", [1, 3])
def test_packets_of_zeros_are_damage_where_the_container_lists_its_packets(lost: int) -> None:
    """A bad sector reads as zeros, which elsewhere are filling between packets."""
    data = encode_packets(np.resize(noise(10.0), (160_000, 1)), "mp4", "aac")
    with av.open(io.BytesIO(data), "r") as container:
        packets = [packet for packet in container.demux(container.streams.audio[0]) if packet.size]
        middle = packets[len(packets) // 2 :][:lost]
        at, size = data.index(bytes(middle[0])), sum(packet.size for packet in middle)
    heard = hear(data[:at] + bytes(size) + data[at + size :])
    assert heard.reasons == {"damaged_packets"}
    assert heard.seconds == hear(data).seconds
    assert heard.concealed_seconds == pytest.approx(lost * 1024 / 16_000, abs=1e-3)
