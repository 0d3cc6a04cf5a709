from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from support.encoded_audio import RATE_HZ, STEREO, encode, noise

from beam_audio.audio.decode import Resampler, decode, open_audio, resample
from beam_audio.errors import BeamAudioError, DecodeError, InputError


@pytest.mark.shared
def test_every_manifest_line_decodes_to_its_length_or_fails_as_itself(
    shared_data: Path, manifest_lines: list[dict[str, Any]]
) -> None:
    wrong = []
    whole_though_marked_bad = set()
    for line in manifest_lines:
        name = line["audio_filepath"]
        seconds: float | None = None
        truncation: BeamAudioError | None = None
        with (shared_data / name).open("rb") as file:
            try:
                with open_audio(file) as stream:
                    frames = sum(len(block) for block in stream.blocks())
                    seconds = frames / stream.format.sample_rate_hz
                    truncation = stream.truncation
            except DecodeError as error:
                truncation = error
        if line["decode_ok"]:
            expected = line.get("duration", 0.0)  # those without one hold no frame
            if seconds is None or abs(seconds - expected) > 0.05:
                wrong.append((name, expected, seconds, truncation))
        elif truncation is None:
            whole_though_marked_bad.add(Path(name).name[:13])
    assert wrong == []
    # Another decoder fails on these three; libsndfile reads them to their stated end.
    assert whole_though_marked_bad == {"flacfaulty_01", "flacfaulty_03", "flacfaulty_07"}


@given(
    rates=st.sampled_from([(44_100, 16_000), (8_000, 16_000), (48_000, 8_000), (11_025, 16_000)]),
    sizes=st.lists(st.integers(0, 3_000), max_size=12),
)
@settings(max_examples=50)
def test_streamed_resampling_equals_one_call(rates: tuple[int, int], sizes: list[int]) -> None:
    from_hz, to_hz = rates
    samples = noise(3.0)[: sum(sizes), 0]
    resampler = Resampler(from_hz, to_hz)
    parts = [resampler.push(piece) for piece in np.split(samples, np.cumsum(sizes))[:-1]]
    streamed = np.concatenate([*parts, resampler.finish()])
    np.testing.assert_array_equal(streamed, resample(samples, from_hz, to_hz))
    assert abs(len(streamed) - len(samples) * to_hz / from_hz) < 1


def test_resampling_keeps_a_tone_and_removes_what_would_alias() -> None:
    times = np.arange(44_100) / 44_100
    low = np.sin(2 * np.pi * 1_000 * times).astype(np.float32)
    high = np.sin(2 * np.pi * 12_000 * times).astype(np.float32)
    middle = slice(2_000, 14_000)
    expected = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(resample(low, 44_100, 16_000)[middle], expected[middle], atol=1e-4)
    assert np.abs(resample(high, 44_100, 16_000)[middle]).max() < 1e-4


def test_equal_rates_pass_untouched() -> None:
    np.testing.assert_array_equal(resample(STEREO[:, 0], RATE_HZ, RATE_HZ), STEREO[:, 0])


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "file"])
def test_decode_takes_paths_bytes_and_files(
    tmp_path: Path, kind: Literal["path", "text", "bytes", "file"]
) -> None:
    path = tmp_path / "misnamed.mp3"
    path.write_bytes(encode(STEREO, "float"))
    with path.open("rb") as file:
        source: Any = {
            "path": path,
            "text": str(path),
            "bytes": encode(STEREO, "float"),
            "file": file,
        }
        audio = decode(source[kind], channels=1, offset_seconds=0.25)
        assert not file.closed
    assert (audio.sample_rate_hz, audio.channel, audio.duration_seconds) == (RATE_HZ, 1, 0.25)
    np.testing.assert_array_equal(audio.samples, STEREO[4_000:, 1])


def test_decode_warns_of_a_missing_end() -> None:
    data = encode(noise(4.0), "flac")
    with pytest.warns(UserWarning, match="in part: what follows 1.792 s is damaged or cut"):
        audio = decode(data[: len(data) // 2])
    assert 1.0 < audio.duration_seconds < 2.0


def test_decode_of_a_missing_file_or_channel_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        decode(tmp_path / "none.wav")
    with pytest.raises(InputError, match="has 2"):
        decode(encode(STEREO), channels=5)


def test_decode_never_waits_for_a_pipe_or_reads_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match="it is not a regular file"):
            decode(path)
