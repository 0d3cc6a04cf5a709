from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_audio.segments.vad import (
    SpeechDetector,
    SpeechTracker,
    StreamBuffer,
    VadInput,
    source_sample,
)
from beam_audio.segments.vad_graph import FRAME_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def noise(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Noise of varying loudness, so that the probabilities differ."""
    rng = np.random.default_rng(seed)
    loudness = 0.3 * np.abs(np.sin(np.arange(count) / 5000))
    return (rng.standard_normal(count) * loudness).astype(np.float32)


def in_blocks(samples: NDArray[np.float32], cuts: list[int]) -> Iterator[NDArray[np.float32]]:
    edges = sorted({min(cut, len(samples)) for cut in cuts} | {0, len(samples)})
    for first, stop in pairwise(edges):
        yield samples[first:stop]


def detect(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    detector = SpeechDetector()
    parts = [detector.push(block) for block in blocks]
    return np.concatenate([*parts, detector.finish()])


# Longer than two groups of frames, so that the state is carried over.
LONG = noise(150_000)
LONG_PROBABILITIES = detect([LONG])


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, len(LONG)), max_size=12))
def test_probabilities_do_not_depend_on_blocks(cuts: list[int]) -> None:
    assert np.array_equal(detect(list(in_blocks(LONG, cuts))), LONG_PROBABILITIES)


def test_probabilities_do_not_depend_on_tiny_blocks() -> None:
    blocks = [LONG[first : first + 37] for first in range(0, len(LONG), 37)]
    assert np.array_equal(detect(blocks), LONG_PROBABILITIES)


@pytest.mark.parametrize(
    ("count", "frames"), [(0, 0), (1, 1), (512, 1), (513, 2), (65536, 128), (65537, 129)]
)
def test_every_sample_belongs_to_a_frame(count: int, frames: int) -> None:
    probabilities = detect([noise(count)])
    assert probabilities.shape == (frames,)
    assert np.all((probabilities >= 0) & (probabilities <= 1))


def test_the_last_frame_comes_when_the_stream_ends() -> None:
    detector = SpeechDetector()
    assert detector.push(noise(65536)).shape == (0,)
    assert detector.finish().shape == (128,)


def test_the_last_frame_is_followed_by_silence() -> None:
    padded = np.concatenate((LONG, np.zeros(-len(LONG) % FRAME_SAMPLES, np.float32)))
    assert np.array_equal(detect([padded]), LONG_PROBABILITIES)


def test_detectors_do_not_disturb_each_other() -> None:
    first, second = SpeechDetector(), SpeechDetector()
    probabilities = []
    for block in np.split(LONG, 10):
        probabilities.append(first.push(block))
        second.push(noise(70_000, seed=1))
    assert np.array_equal(np.concatenate([*probabilities, first.finish()]), LONG_PROBABILITIES)


@pytest.mark.shared
def test_speech_is_found_after_hostile_samples(shared_data: Path) -> None:
    speech = soundfile.read(shared_data / "librispeech/1688-142285-0000.flac", dtype="float32")[0]
    alone = detect([speech]) > 0.5
    hostile = np.array([np.nan, np.inf, -np.inf, 3e38] * 2560, np.float32)
    for rate in (16_000, 44_100):
        stream = VadInput(rate)
        played = speech if rate == 16_000 else soxr.resample(speech, 16_000, rate)
        parts = [stream.push(part) for part in (played, hostile, played)] + [stream.finish()]
        probabilities = detect(parts)
        assert np.all(np.isfinite(probabilities))
        again = probabilities[-len(alone) :] > 0.5
        assert np.mean(again == alone) > 0.95


@settings(max_examples=20)
@given(
    rate=st.sampled_from([8000, 11025, 16000, 44100, 48000, 192_000]),
    cuts=st.lists(st.integers(0, 150_000), max_size=8),
)
def test_input_is_the_one_shot_resampling(rate: int, cuts: list[int]) -> None:
    stream = VadInput(rate)
    blocks = [stream.push(block) for block in in_blocks(LONG, cuts)]
    streamed = np.concatenate([*blocks, stream.finish()])
    assert streamed.dtype == np.float32
    assert np.array_equal(streamed, soxr.resample(LONG, rate, 16_000))


@given(position=st.integers(0, 10**10), rate=st.integers(100, 400_000))
def test_source_positions_are_the_nearest(position: int, rate: int) -> None:
    assert abs(source_sample(position, rate) * 16_000 - position * rate) <= 8_000
    assert source_sample(position, 16_000) == position


def track(
    blocks: list[list[float]],
    *,
    min_speech_frames: int = 1,
    min_silence_frames: int = 1,
) -> list[tuple[int, int]]:
    """Run the tracker, check its promises on the way, and join parts that touch."""
    tracker = SpeechTracker(
        threshold=0.5,
        release=0.35,
        min_speech_seconds=min_speech_frames * 0.032,
        min_silence_seconds=min_silence_frames * 0.032,
    )
    spans: list[tuple[int, int]] = []
    for block in blocks:
        decided = tracker.decided
        for start, end in tracker.push(np.array(block, np.float32)):
            assert decided <= start < end <= tracker.decided
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        assert tracker.decided >= decided
    return spans


def test_speech_starts_at_the_threshold_and_ends_under_the_release() -> None:
    assert track([[0.4, 0.5, 0.4, 0.35, 0.34, 0.4, 0.49]]) == [(1, 4)]


def test_a_probability_a_rounding_error_under_the_threshold_counts() -> None:
    assert track([[0.49999997]]) == [(0, 1)]


def test_short_silence_does_not_end_speech() -> None:
    assert track([[0.9, 0, 0, 0.9]], min_silence_frames=3) == [(0, 4)]
    assert track([[0.9, 0, 0, 0, 0.9]], min_silence_frames=3) == [(0, 1), (4, 5)]


def test_short_bursts_are_not_speech() -> None:
    assert track([[0, 0.9, 0.9, 0, 0.9, 0.9, 0.9, 0]], min_speech_frames=3) == [(4, 7)]


def test_lengths_are_rounded_up_to_whole_frames() -> None:
    tracker = SpeechTracker(
        threshold=0.5, release=0.35, min_speech_seconds=0.25, min_silence_seconds=0.3
    )
    speech = [1.0] * 8
    silence = [0.0]
    probabilities = silence + speech + silence * 9 + speech + silence * 10 + [1.0] * 7 + silence
    assert tracker.push(np.array(probabilities, np.float32)) == [(1, 9), (9, 26)]


PROBABILITIES = st.lists(st.sampled_from([0.0, 0.34, 0.36, 0.45, 0.5, 1.0]), max_size=60)


@given(
    probabilities=PROBABILITIES,
    cuts=st.lists(st.integers(0, 60), max_size=8),
    min_speech=st.integers(0, 5),
    min_silence=st.integers(0, 5),
)
def test_speech_keeps_its_rules_in_any_blocks(
    probabilities: list[float], cuts: list[int], min_speech: int, min_silence: int
) -> None:
    lengths = {"min_speech_frames": min_speech, "min_silence_frames": min_silence}
    spans = track([probabilities], **lengths)
    edges = sorted({min(cut, len(probabilities)) for cut in cuts} | {0, len(probabilities)})
    blocks = [probabilities[a:b] for a, b in pairwise(edges)]
    assert track(blocks, **lengths) == spans
    for start, end in spans:
        assert end - start >= max(1, min_speech)
        assert probabilities[start] >= 0.5
        assert probabilities[end - 1] >= 0.35
    for (_, end), (start, _) in pairwise(spans):
        assert start - end >= max(1, min_silence)
    if min_speech <= 1:
        inside = {frame for start, end in spans for frame in range(start, end)}
        assert inside >= {frame for frame, p in enumerate(probabilities) if p >= 0.5}


@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(0, 40)),
            st.tuples(st.just("drop"), st.integers(0, 300)),
        ),
        max_size=40,
    )
)
def test_a_stream_buffer_holds_samples_until_they_are_dropped(
    actions: list[tuple[str, int]],
) -> None:
    buffer = StreamBuffer(np.int64)
    first = 0
    for action, amount in actions:
        if action == "append":
            buffer.append(np.arange(buffer.stop, buffer.stop + amount))
        else:
            buffer.drop_before(amount)
            first = max(first, min(amount, buffer.stop))
        assert buffer.read(first, buffer.stop).tolist() == list(range(first, buffer.stop))


def test_missing_onnxruntime_names_the_extras() -> None:
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from beam_audio.segments.vad import SpeechDetector; SpeechDetector()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "ModelError" in run.stderr
    assert "beam_audio[cpu]" in run.stderr
    assert "beam_audio[gpu]" in run.stderr


def test_the_model_is_the_published_one_with_its_licence() -> None:
    data = resources.files("beam_audio") / "data"
    model = (data / "silero_vad_16k_sequence.onnx").read_bytes()
    assert hashlib.sha256(model).hexdigest() == (
        "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
    )
    licence = (data / "silero_vad_LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert "Silero Team" in licence
