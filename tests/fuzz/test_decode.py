"""Damaged recordings of every container: errors of ours, or samples that add up."""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from support.fuzzing import bounded, damaged, fuzzed
from support.seeds import seeds

from beam_audio.audio.decode import DecodeLimits, open_audio
from beam_audio.audio.encode import _with_serial
from beam_audio.errors import BeamAudioError

if TYPE_CHECKING:
    from beam_audio.audio.decode import Decoder

MOST_SECONDS = 60.0
BLOCK_SECONDS = 0.5
LIMITS = DecodeLimits(max_recording_seconds=MOST_SECONDS)

SEEDS = seeds()
OGG = {name: data for name, data in SEEDS.items() if data.startswith(b"OggS")}


def hear_once(data: bytes, decoder: Decoder) -> tuple[object, ...]:
    """What a recording is, hashed; its samples are checked on the way."""
    try:
        stream = open_audio(
            io.BytesIO(data), decoder=decoder, limits=LIMITS, block_seconds=BLOCK_SECONDS
        )
    except BeamAudioError as error:
        return (type(error), str(error))
    digest, frames = hashlib.sha256(), 0
    with stream:
        rate_hz, channels = stream.format.sample_rate_hz, stream.format.channels
        assert LIMITS.min_sample_rate_hz <= rate_hz <= LIMITS.max_sample_rate_hz
        for block in stream.blocks():
            assert block.dtype == np.float32
            assert block.shape[1] == channels
            assert 0 < len(block) <= BLOCK_SECONDS * rate_hz
            assert np.isfinite(block).all()
            digest.update(block.tobytes())
            frames += len(block)
        assert frames <= MOST_SECONDS * rate_hz
        assert 0 <= stream.concealed_seconds <= frames / rate_hz
        why = type(stream.truncation)
    return rate_hz, channels, frames, why, sorted(stream.reasons), digest.hexdigest()


@pytest.mark.parametrize("decoder", ["auto", "soundfile", "av"])
@given(data=damaged(SEEDS))
@fuzzed(400)
def test_damaged_recordings(decoder: Decoder, data: bytes) -> None:
    with bounded(data):
        assert hear_once(data, decoder) == hear_once(data, decoder)


@given(data=damaged(OGG))
@fuzzed(150)
def test_damaged_pages_with_right_checksums(data: bytes) -> None:
    """Decoders pass over pages whose checksum is wrong, and so over most damage."""
    whole: bytes = data
    with contextlib.suppress(IndexError):  # the last page is cut off
        whole = _with_serial(data, 1)
    with bounded(whole):
        assert hear_once(whole, "auto") == hear_once(whole, "auto")


@given(data=st.binary(max_size=300), prefix=st.sampled_from(sorted(SEEDS)))
@fuzzed(150)
def test_noise_behind_the_first_bytes_of_a_format(data: bytes, prefix: str) -> None:
    whole = SEEDS[prefix][:12] + data
    with bounded(whole):
        assert hear_once(whole, "auto") == hear_once(whole, "auto")
