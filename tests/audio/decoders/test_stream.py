from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from support.encoded_audio import FLAC_COUNT, FORMATS, RATE_HZ, STEREO, encode, noise, read_all
from support.project import ROOT

from beam_audio.audio.decode import DecodeLimits, Decoder, open_audio
from beam_audio.errors import BeamAudioError, DecodeError, InputError, LimitError

ENCODED = {name: encode(STEREO, name) for name in FORMATS}
LONGER = {name: encode(noise(3.0), name) for name in FORMATS}

PEAK_MEMORY = """
import sys
from beam_audio.audio.decode import open_audio
with open(sys.argv[1], "rb") as file, open_audio(file) as stream:
    print(sum(len(block) for block in stream.blocks()))
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("name", ["wav", "float", "flac"])
@pytest.mark.parametrize("decoder", ["soundfile", "av"])
def test_lossless_audio_is_decoded_unchanged(name: str, decoder: Decoder) -> None:
    samples, truncation = read_all(ENCODED[name], decoder=decoder)
    assert truncation is None
    np.testing.assert_allclose(samples, STEREO, atol=0 if name == "float" else 2**-15)


@given(
    name=st.sampled_from(sorted(LONGER)),
    block_seconds=st.floats(0.001, 2.0),
    kept=st.floats(0.5, 1.0),
    decoder=st.sampled_from(["auto", "av"]),
)
@settings(max_examples=50)
def test_block_size_changes_no_sample(
    name: str, block_seconds: float, kept: float, decoder: Decoder
) -> None:
    data = LONGER[name][: round(kept * len(LONGER[name]))]
    with open_audio(io.BytesIO(data), decoder=decoder, block_seconds=block_seconds) as stream:
        blocks = list(stream.blocks())
        rate_hz = stream.format.sample_rate_hz
    longest = max(1, round(block_seconds * rate_hz))
    assert all(0 < len(block) <= longest for block in blocks)
    expected, _ = read_all(data, decoder=decoder)
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


@given(
    name=st.sampled_from(sorted(ENCODED)),
    offset_seconds=st.floats(0.0, 0.49),
    duration_seconds=st.floats(0.001, 0.6),
)
@settings(max_examples=80)
def test_a_cut_is_a_slice_of_the_whole(
    name: str, offset_seconds: float, duration_seconds: float
) -> None:
    whole, _ = read_all(ENCODED[name])
    with open_audio(io.BytesIO(ENCODED[name])) as stream:
        rate_hz = stream.format.sample_rate_hz
    start = round(offset_seconds * rate_hz)
    stop = start + round(duration_seconds * rate_hz)
    cut, truncation = read_all(
        ENCODED[name], offset_seconds=offset_seconds, duration_seconds=duration_seconds
    )
    np.testing.assert_array_equal(cut, whole[start:stop])
    assert (truncation is not None) == (stop - len(whole) > 0.1 * rate_hz)


def test_a_cut_after_the_end_is_an_input_error() -> None:
    for data in ENCODED.values():
        with pytest.raises(InputError, match=r"starts at 7 s .* ends after 0\.5"):
            read_all(data, offset_seconds=7.0)


@pytest.mark.parametrize(
    "cut",
    [
        {"offset_seconds": -1.0},
        {"duration_seconds": 0.0},
        {"offset_seconds": float("nan")},
        {"offset_seconds": 1e308},
    ],
)
def test_an_impossible_cut_is_an_input_error(cut: dict[str, float]) -> None:
    with pytest.raises(InputError, match="give"):
        read_all(ENCODED["wav"], **cut)


def test_the_shortest_cut_is_one_sample() -> None:
    samples, truncation = read_all(ENCODED["float"], offset_seconds=0.25, duration_seconds=1e-9)
    np.testing.assert_array_equal(samples, STEREO[4_000:4_001])
    assert truncation is None


def test_numbers_that_are_not_finite_become_silence_and_others_stay() -> None:
    samples = np.array([[np.nan], [np.inf], [-np.inf], [1e30], [-5.0], [0.25]], np.float32)
    decoded, truncation = read_all(encode(samples, "float"), block_seconds=4 / RATE_HZ)
    assert decoded[:, 0].tolist() == [0.0, 0.0, 0.0, 1e6, -5.0, 0.25]
    assert truncation is None


@given(
    name=st.sampled_from(sorted(ENCODED)),
    damage=st.lists(st.tuples(st.floats(0.0, 1.0, exclude_max=True), st.integers(0, 255))),
    reach=st.sampled_from([60, 200, 1_000_000]),
    kept=st.floats(0.0, 1.0),
)
@settings(max_examples=150)
def test_damaged_bytes_raise_only_our_errors(
    name: str, damage: list[tuple[float, int]], reach: int, kept: float
) -> None:
    data = bytearray(ENCODED[name])
    for place, value in damage:
        data[int(place * min(reach, len(data)))] = value
    try:
        samples, _ = read_all(bytes(data[: round(kept * len(data))]))
    except BeamAudioError:
        return
    assert np.isfinite(samples).all()


def test_a_truncated_flac_keeps_its_good_frames() -> None:
    samples = noise(10.0)
    data = encode(samples, "flac")
    decoded, truncation = read_all(data[: len(data) // 2])
    assert isinstance(truncation, DecodeError)
    assert 4.0 < len(decoded) / RATE_HZ < 5.0
    np.testing.assert_allclose(decoded, samples[: len(decoded)], atol=2**-15)


def test_a_header_that_counts_too_many_frames_is_not_trusted() -> None:
    data = bytearray(encode(noise(1.0), "flac"))
    data[FLAC_COUNT] = b"\xff" * 4
    samples, truncation = read_all(bytes(data))
    assert len(samples) == RATE_HZ
    assert "the audio ends after 1 s" in str(truncation)


def test_an_empty_recording_is_not_an_error() -> None:
    with open_audio(io.BytesIO(encode(noise(0.0, channels=2)))) as stream:
        assert list(stream.blocks()) == []
        assert stream.truncation is None
        assert (stream.decoder, stream.format.channels) == ("soundfile", 2)


@pytest.mark.parametrize("after_bytes", [0, 20_000])
@pytest.mark.parametrize("decoder", ["auto", "av"])
def test_an_error_of_the_file_surfaces_as_itself(after_bytes: int, decoder: Decoder) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            # Small pieces, as from a network, and then an error.
            if self.tell() >= after_bytes:
                raise ConnectionResetError("the bucket went away")
            return super().read(min(4096, size or 0))

    with pytest.raises(ConnectionResetError, match="went away"):
        read_all(Failing(encode(noise(5.0))), decoder=decoder)


def test_the_limit_of_seconds_keeps_what_is_below_it() -> None:
    limits = DecodeLimits(max_recording_seconds=1.5)
    samples, truncation = read_all(encode(noise(3.0)), limits=limits)
    assert len(samples) == 24_000
    assert isinstance(truncation, LimitError)
    assert read_all(encode(noise(1.5)), limits=limits)[1] is None
    assert read_all(encode(noise(3.0)), limits=limits, offset_seconds=1.5)[1] is None
    assert read_all(encode(noise(3.0)), limits=limits, duration_seconds=1.5)[1] is None
    assert isinstance(
        read_all(encode(noise(3.0)), limits=limits, duration_seconds=2.0)[1], LimitError
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    peak_kib = {}
    for minutes in (5, 120):
        path = tmp_path / f"{minutes}.flac"
        with soundfile.SoundFile(path, "w", 8_000, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(np.zeros(60 * 8_000, np.int16))
        done = subprocess.run(
            [sys.executable, "-c", PEAK_MEMORY, str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        )
        frames, peak = done.stdout.split()
        assert int(frames) == minutes * 60 * 8_000
        peak_kib[minutes] = int(peak)
    assert peak_kib[120] < 1.1 * peak_kib[5]
