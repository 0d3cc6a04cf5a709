"""The samples of a FLAC against its own checksum."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from support.encoded_audio import noise

from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.flac_checksum import FlacChecksum


def encoded(subtype: str, channels: int = 2) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(0.5, channels), 16_000, format="FLAC", subtype=subtype)
    return file.getvalue()


def checksum(data: bytes) -> FlacChecksum:
    return FlacChecksum(ByteSource(io.BytesIO(data)))


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_all_samples_in_pieces_agree(subtype: str, channels: int) -> None:
    data = encoded(subtype, channels)
    samples, _ = soundfile.read(io.BytesIO(data), dtype="int32", always_2d=True)
    checked = checksum(data)
    for piece in np.array_split(samples.ravel(), 3):
        checked.push(piece)
    assert not checked.differs()


def test_missing_or_changed_samples_differ() -> None:
    data = encoded("PCM_16")
    samples, _ = soundfile.read(io.BytesIO(data), dtype="int32")
    fewer, other = checksum(data), checksum(data)
    fewer.push(samples[:-1].ravel())
    samples[100] += 1 << 16
    other.push(samples.ravel())
    assert fewer.differs()
    assert other.differs()


def test_a_header_without_a_checksum_says_nothing() -> None:
    data = bytearray(encoded("PCM_16"))
    data[26:42] = bytes(16)
    assert not checksum(bytes(data)).differs()
