"""Stored audio: FLAC is exact, Opus keeps the length, and equal samples give equal bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.audio import encode
from beam_audio.types import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOISE = np.random.default_rng(0).integers(-32768, 32768, 8_000, dtype=np.int16)


def segment(samples: NDArray[np.float32], rate_hz: int = 16_000, name: str = "name") -> Segment:
    end = len(samples)
    return Segment("recording", name, 0, None, rate_hz, 0, end, 0, end, (), samples)


def from_int16(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def decoded(encoded: bytes) -> tuple[NDArray[np.int16], int]:
    samples, rate_hz = soundfile.read(io.BytesIO(encoded), dtype="int16")
    return samples, rate_hz


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400))
def test_flac_returns_16_bit_samples_unchanged(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    assert decoded(encode.encode(segment(from_int16(samples)), "flac"))[0].tolist() == values


@pytest.mark.parametrize("rate_hz", [1_000, 11_025, 44_100, 65_535, 96_000, 384_000, 655_350])
def test_flac_keeps_the_source_rate(rate_hz: int) -> None:
    samples, kept_hz = decoded(encode.encode(segment(from_int16(NOISE), rate_hz), "flac"))
    assert kept_hz == rate_hz
    assert (samples == NOISE).all()


@pytest.mark.parametrize(
    ("rate_hz", "stored_hz"), [(65_537, 65_530), (96_001, 96_000), (768_000, 655_350)]
)
def test_rates_that_flac_lacks_become_the_next_lower_one(rate_hz: int, stored_hz: int) -> None:
    samples, found_hz = decoded(encode.encode(segment(from_int16(NOISE), rate_hz), "flac"))
    assert found_hz == stored_hz
    assert len(samples) == pytest.approx(len(NOISE) * stored_hz / rate_hz, abs=1)


def test_finer_samples_are_rounded_to_16_bits() -> None:
    fine = np.random.default_rng(1).uniform(-0.99, 0.99, 4_000).astype(np.float32)
    samples, _ = decoded(encode.encode(segment(fine), "flac"))
    assert np.abs(samples / 32768 - fine).max() <= 0.5 / 32768


@pytest.mark.parametrize("codec", ["flac", "opus"])
def test_samples_beyond_full_scale_are_clipped_and_not_wrapped(codec: encode.StoredCodec) -> None:
    loud = np.random.default_rng(2).standard_normal(8_000).astype(np.float32)
    clipped = encode.encode(segment(np.clip(loud, -1.0, 1.0)), codec)
    assert encode.encode(segment(loud), codec) == clipped
    highest = decoded(encode.encode(segment(np.full(8_000, 1e6, np.float32)), "flac"))[0]
    assert set(highest.tolist()) == {32767}


@pytest.mark.parametrize(
    ("rate_hz", "stored_hz"),
    [(8_000, 8_000), (11_025, 12_000), (22_050, 24_000), (44_100, 48_000), (192_000, 48_000)],
)
def test_opus_takes_a_rate_it_has_and_keeps_the_length(rate_hz: int, stored_hz: int) -> None:
    tone = np.sin(2 * np.pi * 300 * np.arange(2 * rate_hz) / rate_hz).astype(np.float32) * 0.5
    samples, found_hz = decoded(encode.encode(segment(tone, rate_hz), "opus"))
    assert found_hz == stored_hz
    assert len(samples) == 2 * stored_hz
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) / 2 == pytest.approx(300, abs=1)


@pytest.mark.parametrize("codec", ["flac", "opus"])
@pytest.mark.parametrize("count", [1, 10])
def test_segments_of_a_few_samples_can_be_stored(codec: encode.StoredCodec, count: int) -> None:
    assert len(decoded(encode.encode(segment(from_int16(NOISE[:count])), codec))[0]) == count


@pytest.mark.parametrize("codec", ["flac", "opus"])
def test_equal_samples_give_equal_bytes(codec: encode.StoredCodec) -> None:
    clip = segment(np.tile(from_int16(NOISE), 20))
    assert encode.encode(clip, codec) == encode.encode(clip, codec)


def test_streams_of_different_segments_can_be_chained() -> None:
    """Ogg tells chained streams apart by their serial numbers."""
    one, two = (
        encode.encode(segment(from_int16(NOISE), name=name), "opus") for name in ("one", "two")
    )
    assert one[14:18] != two[14:18]


def test_names_tell_the_container() -> None:
    clip = segment(from_int16(NOISE), name="5e9")
    assert encode.file_name(clip, "flac") == "5e9.flac"
    assert encode.file_name(clip, "opus") == "5e9.ogg"


def test_a_muted_stretch_is_silent_to_the_sample_and_the_rest_of_flac_stays() -> None:
    encoded = encode.encode(segment(from_int16(NOISE)), "flac")
    muted, rate_hz = decoded(encode.mute(encoded, [(0.1, 0.25), (0.4, 9.0)], "name"))
    assert (rate_hz, len(muted)) == (16_000, len(NOISE))
    fade = 80  # 5 ms
    assert not muted[1_600:4_000].any()
    assert not muted[6_400:].any()
    kept = [*range(1_600 - fade), *range(4_000 + fade, 6_400 - fade)]
    assert (muted[kept] == NOISE[kept]).all()
    assert (np.abs(muted) <= np.abs(NOISE.astype(np.int32))).all()


def test_muted_opus_keeps_its_length_and_gives_the_same_bytes_again() -> None:
    tone = np.sin(np.arange(16_000) * 0.2).astype(np.float32) / 2
    encoded = encode.encode(segment(tone), "opus")
    muted = encode.mute(encoded, [(0.3, 0.6)], "name")
    samples, rate_hz = decoded(muted)
    assert (rate_hz, len(samples)) == (16_000, 16_000)
    assert np.abs(samples[5_200:9_200]).max() < 330  # 1 % of full scale: the codec rings
    assert np.abs(samples[:4_000]).max() > 12_000
    assert muted == encode.mute(encoded, [(0.3, 0.6)], "name")


def test_stretches_outside_the_clip_mute_what_lies_in_it() -> None:
    encoded = encode.encode(segment(from_int16(NOISE)), "flac")
    muted, _ = decoded(encode.mute(encoded, [(-1.0, 0.1), (7.0, 8.0)], "name"))
    assert not muted[:1_600].any()
    assert (muted[1_680:] == NOISE[1_680:]).all()
