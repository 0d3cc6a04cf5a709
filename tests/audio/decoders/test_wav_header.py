"""What a WAV states about its samples."""

from __future__ import annotations

import io
import struct

import pytest
import soundfile
from support.encoded_audio import noise

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.wav_header import WavHeader, wav_header

CODECS = {
    "PCM_U8": "pcm_u8",
    "PCM_16": "pcm_s16",
    "PCM_24": "pcm_s24",
    "PCM_32": "pcm_s32",
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
    "ULAW": None,
    "IMA_ADPCM": None,
}


def encoded(subtype: str, kind: str = "WAV", channels: int = 2) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(0.5, channels), 16_000, format=kind, subtype=subtype)
    return file.getvalue()


def header(data: bytes) -> WavHeader | None:
    return wav_header(ByteSource(io.BytesIO(data)))


@pytest.mark.parametrize("subtype", CODECS)
def test_the_codec_is_named(subtype: str) -> None:
    read = header(encoded(subtype))
    assert read is not None
    assert read.codec == CODECS[subtype]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
@pytest.mark.parametrize("channels", [1, 6])
def test_frames_are_counted(subtype: str, kind: str, channels: int) -> None:
    assert header(encoded(subtype, kind, channels)) == WavHeader(CODECS[subtype], 8_000)


def test_other_chunks_are_passed_over_with_their_padding() -> None:
    data = encoded("PCM_16", channels=1)
    odd = b"note" + struct.pack("<I", 3) + b"abc\0"
    assert header(data[:12] + odd + data[12:36] + odd + data[36:]) == WavHeader("pcm_s16", 8_000)


def test_a_size_left_open_counts_no_frames() -> None:
    data = encoded("PCM_16", channels=1)
    assert header(data[:40] + b"\xff" * 4 + data[44:]) == WavHeader("pcm_s16", None)


@pytest.mark.parametrize("data", [b"", b"RIFF", encoded("PCM_16")[:30], encoded("PCM_16")[:40]])
def test_a_header_cut_off_is_none(data: bytes) -> None:
    assert header(data) is None


def test_frames_of_no_bytes_are_not_divided_by() -> None:
    data = encoded("PCM_16", channels=1)
    assert header(data[:32] + bytes(2) + data[34:]) == WavHeader("pcm_s16", None)
