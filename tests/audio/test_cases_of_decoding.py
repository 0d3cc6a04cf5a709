"""Files that lost audio in silence: each is decoded whole, or says what is missing.

A test has the name of its case, and encodes the audio by the recipe of the case.
"""

from __future__ import annotations

import io
import sys
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from support.encoded_audio import (
    RATE_HZ,
    encode,
    encode_packets,
    hear,
    noise,
    packets_of,
)

from beam_audio.audio.decode import DecodeLimits, open_audio
from beam_audio.errors import DecodeError, LimitError

BARE_MP3 = {"write_xing": "0", "id3v2_version": "0"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def mp3(seconds: float, rate_hz: int = RATE_HZ, channels: int = 1, *, bare: bool = False) -> bytes:
    samples = np.resize(noise(seconds, channels), (round(seconds * rate_hz), channels))
    options = BARE_MP3 if bare else {}
    return encode_packets(samples, "mp3", "libmp3lame", rate_hz=rate_hz, options=options)


def with_gap(container: str, codec: str, gap_seconds: float, *, rate_hz: int = 48_000) -> bytes:
    """12 s of audio whose timestamps leap after 6 s."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        for packet in packets_of(stream, np.resize(noise(12.0), (12 * rate_hz, 1)), rate_hz):
            if packet.pts * packet.time_base >= 6:
                shift = round(gap_seconds / packet.time_base)
                packet.pts += shift
                packet.dts += shift
            output.mux(packet)
    return file.getvalue()


def late(container: str, codec: str, *, rate_hz: int = 48_000) -> bytes:
    """Film of 8 s whose sound begins after 3 s."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        film: Any = output.add_stream("mpeg4", rate=25, width=64, height=64)
        stream: Any = output.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        packets = []
        for number in range(200):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number
            packets += film.encode(frame)
        packets += film.encode()
        for packet in packets_of(stream, np.resize(noise(5.0), (5 * rate_hz, 1)), rate_hz):
            packet.pts += round(3 / packet.time_base)
            packet.dts += round(3 / packet.time_base)
            packets.append(packet)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            output.mux(packet)
    return file.getvalue()


def damaged(data: bytes, place: float = 0.5, length: int = 64) -> bytes:
    start = int(len(data) * place)
    return data[:start] + np.random.default_rng(1).bytes(length) + data[start + length :]


def without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)


# --- Streams that change, and files that are joined -----------------------------------------------


def test_01_mp3_rate_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = mp3(2.8, 44_100, bare=True) + mp3(12.6, 48_000, bare=True)
    heard = hear(data)
    assert heard.seconds == pytest.approx(15.4, abs=0.15)
    assert not heard.is_flagged
    without_av(monkeypatch)
    assert "not read" in str(hear(data).truncation)


def test_02_chained_ogg(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opus", "vorbis"):
        data = encode(noise(2.8), name) + encode(noise(12.6), name)
        heard = hear(data)
        assert heard.seconds == pytest.approx(15.4, abs=0.05)
        assert not heard.is_flagged
        with monkeypatch.context() as patch:
            without_av(patch)
            assert "not read" in str(hear(data).truncation)


@pytest.mark.parametrize("channels", [1, 2])
def test_03_wav_size_too_small(channels: int) -> None:
    samples = noise(12.6, channels)
    whole = encode(samples)
    data = bytearray(whole)
    data[40:44] = (2 * RATE_HZ * 2 * channels).to_bytes(4, "little")
    for riff_size in (len(whole) - 8, 2 * RATE_HZ * 2 * channels + 36):
        data[4:8] = riff_size.to_bytes(4, "little")
        heard = hear(bytes(data))
        assert heard.seconds == pytest.approx(12.6)
        assert heard.reasons == {"header_too_short"}
        np.testing.assert_array_equal(heard.samples, hear(whole).samples)
        cut = hear(bytes(data), offset_seconds=5.0, duration_seconds=1.0)
        np.testing.assert_array_equal(cut.samples, heard.samples[5 * RATE_HZ : 6 * RATE_HZ])


@pytest.mark.parametrize("container", ["AIFF", "AU", "W64", "CAF"])
def test_03_other_containers_name_the_bytes_that_are_not_read(container: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, noise(2.0), RATE_HZ, format=container, subtype="PCM_16")
    rest = np.random.default_rng(0).bytes(300_000)
    heard = hear(file.getvalue() + rest)
    assert heard.seconds == pytest.approx(2.0)
    assert "300000 bytes after the end" in str(heard.truncation)


def test_08_joined_mp3() -> None:
    for rate_hz in (16_000, 44_100):
        tag = b"TAG" + b"x" * 125
        heard = hear(mp3(12.6, rate_hz) + tag + mp3(12.6) + tag)
        assert heard.seconds == pytest.approx(25.2, abs=0.2)
        assert not heard.is_flagged


@pytest.mark.parametrize("stereo_first", [False, True])
def test_11_mp3_mono_then_stereo(*, stereo_first: bool) -> None:
    parts = [mp3(2.8, bare=True), mp3(4.5, channels=2, bare=True)]
    heard = hear(b"".join(reversed(parts) if stereo_first else parts))
    assert heard.seconds == pytest.approx(7.3, abs=0.15)
    assert heard.samples.shape[1] == 1 + stereo_first
    assert not heard.is_flagged
    for second in range(7):
        assert heard.samples[second * RATE_HZ : (second + 1) * RATE_HZ].std() > 0.04


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "codec"),
    [("mp4", "aac"), ("matroska", "aac"), ("webm", "libopus"), ("mpegts", "aac"), ("flv", "aac")],
)
def test_05_gap_in_time(container: str, codec: str) -> None:
    rate_hz = 44_100 if container == "flv" else 48_000
    heard = hear(with_gap(container, codec, 10.0, rate_hz=rate_hz))
    assert heard.seconds == pytest.approx(22.0, abs=0.1)
    assert heard.concealed_seconds == pytest.approx(10.0, abs=0.05)
    assert (heard.reasons, heard.truncation) == ({"time_gaps"}, None)
    rate = len(heard.samples) / heard.seconds
    quiet = [np.abs(heard.samples[round(at * rate) :][:1000]).max() < 1e-3 for at in range(22)]
    assert quiet == [False] * 6 + [quiet[6]] + [True] * 9 + [quiet[16]] + [False] * 5


@pytest.mark.parametrize(("container", "codec"), [("matroska", "aac"), ("mpegts", "aac")])
def test_05_a_late_start_is_silence(container: str, codec: str) -> None:
    heard = hear(late(container, codec))
    assert heard.seconds == pytest.approx(8.0, abs=0.1)
    assert heard.concealed_seconds == pytest.approx(3.0, abs=0.1)
    assert (heard.reasons, heard.truncation) == ({"time_gaps"}, None)


def test_05_a_gap_of_an_hour_meets_the_limit_and_fills_no_memory() -> None:
    data = with_gap("webm", "libopus", 3600.0)
    limits = DecodeLimits(max_recording_seconds=60.0)
    heard = hear(data, limits=limits)
    assert heard.seconds == pytest.approx(60.0)
    assert isinstance(heard.truncation, LimitError)


@pytest.mark.parametrize("container", ["webm", "mpegts"])
def test_05_a_gap_of_years_in_some_kilobytes_is_a_wrong_number(container: str) -> None:
    """A file of 10 kB would else be a day of silence, which takes minutes to look through."""
    codec, years = ("libopus", 1e7) if container == "webm" else ("aac", 90_000.0)
    heard = hear(with_gap(container, codec, years))
    assert heard.seconds == pytest.approx(12.0, abs=0.1)
    assert heard.concealed_seconds == 0.0


def test_05_a_cut_in_a_gap_counts_the_silence_that_it_has() -> None:
    heard = hear(with_gap("mp4", "aac", 10.0), offset_seconds=8.0, duration_seconds=2.0)
    assert (heard.seconds, heard.concealed_seconds) == (2.0, 2.0)
    after = hear(with_gap("mp4", "aac", 10.0), offset_seconds=18.0, duration_seconds=2.0)
    assert (after.seconds, after.concealed_seconds, after.reasons) == (2.0, 0.0, set())


# --- Damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "codec"),
    [("flac", "flac"), ("mp4", "aac"), ("mpegts", "aac"), ("ac3", "ac3"), ("adts", "aac")],
)
def test_07_one_bad_packet(container: str, codec: str) -> None:
    rate_hz = 48_000 if codec == "ac3" else RATE_HZ
    samples = np.resize(noise(12.6), (round(12.6 * rate_hz), 1))
    whole = encode_packets(samples, container, codec, rate_hz=rate_hz)
    clean, heard = hear(whole), hear(damaged(whole))
    assert not clean.is_flagged
    assert heard.seconds == pytest.approx(clean.seconds, abs=0.15)
    assert heard.truncation is None
    if container != "adts":  # a header that is damaged hides its packet from everybody
        assert heard.reasons == {"damaged_packets"}
        assert 0 < heard.concealed_seconds < 0.6
    lost = np.abs(heard.samples).reshape(-1)[: 12 * rate_hz].reshape(-1, rate_hz // 10).max(axis=1)
    assert (lost < 1e-3).sum() <= 6


# --- Ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp3", "libmp3lame"),
        ("webm", "libopus"),
        ("matroska", "aac"),
        ("ogg", "libopus"),
        ("mp4", "aac"),
        ("flac", "flac"),
    ],
)
def test_10_cut_in_half(container: str, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"movflags": "faststart"} if container == "mp4" else {}
    rate_hz = 48_000 if codec == "libopus" else RATE_HZ
    samples = np.resize(noise(8.3), (round(8.3 * rate_hz), 1))
    whole = encode_packets(samples, container, codec, rate_hz=rate_hz, options=options)
    heard = hear(whole)
    assert heard.seconds == pytest.approx(8.3, abs=0.15)
    assert not heard.is_flagged
    half = hear(whole[: len(whole) // 2])
    assert isinstance(half.truncation, DecodeError)
    assert 3.0 < half.seconds < 5.0
    if container in {"mp3", "ogg", "flac"}:
        without_av(monkeypatch)
        assert hear(whole).truncation is None
        assert isinstance(hear(whole[: len(whole) // 2]).truncation, DecodeError)


def test_10_an_mp3_of_libsndfile_cut_in_half(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(noise(8.3), "mp3")
    assert not hear(data).is_flagged
    assert "the header states 8.2" in str(hear(data[: len(data) // 2]).truncation)
    without_av(monkeypatch)
    assert not hear(data).is_flagged
    assert "the header states 8.2" in str(hear(data[: len(data) // 2]).truncation)


def test_10_a_live_recording_without_a_length_is_whole() -> None:
    samples = np.resize(noise(8.3), (8 * 48_000, 1))
    data = encode_packets(samples, "webm", "libopus", rate_hz=48_000, options={"live": "1"})
    heard = hear(data)
    assert heard.seconds == pytest.approx(8.0, abs=0.1)
    assert not heard.is_flagged


@pytest.mark.parametrize("container", ["mp3", "matroska"])
def test_10_a_plan_counts_what_a_file_that_is_cut_off_can_hold(container: str) -> None:
    codec = "libmp3lame" if container == "mp3" else "aac"
    data = encode_packets(noise(8.3), container, codec)
    half = hear(data[: len(data) // 2])
    assert half.header_seconds is not None
    assert half.header_seconds == pytest.approx(half.seconds, abs=0.5)


def test_12_mp3_inside_wav() -> None:
    data = encode_packets(noise(12.6), "wav", "libmp3lame")
    heard = hear(data)
    assert heard.seconds == pytest.approx(12.6, abs=0.15)
    assert not heard.is_flagged
    assert hear(data[: len(data) // 2]).is_flagged


def test_14_big_cover_in_mp3() -> None:
    cover = b"APIC" + (300_000).to_bytes(4, "big") + b"\0\0" + b"\xff\xfb\x90\x64" * 75_000
    size = len(cover)
    header = b"ID3\3\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    for bare in (False, True):
        heard = hear(header + cover + mp3(12.6, bare=bare))
        assert heard.header_seconds == pytest.approx(12.7, abs=0.1)
        assert heard.seconds == pytest.approx(12.7, abs=0.1)
        assert not heard.is_flagged


# --- What is not audio, and what is too much ------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("matroska", "libopus"), ("mpegts", "aac")]
)
def test_09_eight_channels(container: str, codec: str) -> None:
    samples = np.resize(noise(3.0, 8), (3 * 48_000, 8))
    data = encode_packets(samples, container, codec, rate_hz=48_000)
    heard = hear(data)
    assert heard.seconds == pytest.approx(3.0, abs=0.05)
    assert heard.samples.shape[1] == 8
    assert not heard.is_flagged
    with pytest.raises(LimitError, match="8 channels, more than the limit of 2"):
        hear(data, limits=DecodeLimits(max_channels=2))


def test_43_sds_of_245_bytes(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    soundfile.write(file, noise(1.0), RATE_HZ, format="SDS", subtype="PCM_16")
    for data in (file.getvalue()[:245], file.getvalue()):
        with pytest.raises(DecodeError, match="not audio"):
            open_audio(io.BytesIO(data))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("tag", [b"", b"ID3\3\0\0\0\0\0\x0a" + bytes(10)])
def test_48_message_of_unreadable_mp3(tag: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        hear(tag + mp3(1.0, bare=True)[:60])
    assert "does not exist" not in str(caught.value)
    assert "Error number" not in str(caught.value)
    assert "no audio frame found" in str(caught.value)
