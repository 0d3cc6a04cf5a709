from __future__ import annotations

import dataclasses
import json
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_audio.errors import ConfigError, InputError
from beam_audio.segments.splitter import VAD_PRESETS, SegmentSettings, Splitter, VadSettings, split
from beam_audio.types import Audio, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FIXED = SegmentSettings(segmenter="fixed", window_seconds=5, overlap_seconds=1)
# Silence must be so long to end speech that hardly any does: all speech has to be cut.
UNBROKEN = SegmentSettings(vad=VadSettings(min_silence_seconds=6.0, max_seconds=6.0))


def splitter(rate: int = 16_000, how: SegmentSettings | None = None) -> Splitter:
    return Splitter(
        recording_id="recording",
        channel=None,
        sample_rate_hz=rate,
        settings=how or SegmentSettings(),
    )


def stream(
    samples: NDArray[np.float32],
    rate: int = 16_000,
    how: SegmentSettings | None = None,
    cuts: Sequence[int] = (),
) -> list[Segment]:
    """Split in blocks, and check what is true of all segments; an empty ``cuts`` is one block."""
    one = splitter(rate, how)
    edges = sorted({min(cut, len(samples)) for cut in cuts} | {0, len(samples)})
    segments = [s for a, b in pairwise(edges) for s in one.push(samples[a:b])] + one.finish()
    assert one.decoded_samples == len(samples)
    assert 0 <= one.speech_samples <= len(samples)
    assert [segment.segment_index for segment in segments] == list(range(len(segments)))
    for segment in segments:
        assert 0 <= segment.start_sample <= segment.core_start_sample
        assert segment.core_start_sample < segment.core_end_sample
        assert segment.core_end_sample <= segment.end_sample <= len(samples)
        assert segment.samples.dtype == np.float32
        assert np.array_equal(
            segment.samples, samples[segment.start_sample : segment.end_sample], equal_nan=True
        )
        for start, end in segment.speech:
            assert segment.start_sample <= start < end <= segment.end_sample
    for first, second in pairwise(segments):
        assert first.core_end_sample <= second.core_start_sample
    return segments


def facts(segments: list[Segment]) -> list[dict[str, Any]]:
    """Everything in a segment, comparable."""
    fields = [field.name for field in dataclasses.fields(Segment) if field.name != "samples"]
    return [
        {name: getattr(s, name) for name in fields} | {"samples": s.samples.tobytes()}
        for s in segments
    ]


def noise(count: int) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(0).standard_normal(count)).astype(np.float32)


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32)), rate


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> NDArray[np.float32]:
    """All LibriSpeech recordings in a row: 403 s at 16 kHz."""
    return np.concatenate([read(path)[0] for path in sorted(shared_data.glob("librispeech/*"))])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segmenter": "words"}, "--segmenter=words: choose vad or fixed"),
        ({"window_seconds": 31.0}, "--window_seconds=31.0: the model takes at most 30 seconds"),
        ({"window_seconds": 0.5}, "--window_seconds=0.5"),
        ({"window_seconds": float("nan")}, "--window_seconds=nan"),
        ({"window_seconds": float("inf"), "max_seconds": float("inf")}, "--window_seconds=inf"),
        ({"overlap_seconds": 30.0}, "--overlap_seconds=30.0"),
        ({"overlap_seconds": -1.0}, "--overlap_seconds=-1.0"),
        ({"overlap_seconds": float("nan")}, "--overlap_seconds=nan"),
        ({"segmenter": "vad", "max_seconds": 0.7}, "0.7 s"),
    ],
)
def test_settings_that_cannot_work_name_the_flag(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SegmentSettings(**({"segmenter": "fixed"} | change))
    assert message in str(caught.value)


def test_the_model_limit_caps_the_preset() -> None:
    curator = SegmentSettings(vad=VAD_PRESETS["nemo-curator"])
    assert curator.longest_seconds == 30
    assert SegmentSettings(vad=VAD_PRESETS["onnx-asr"]).longest_seconds == 20


def test_canonical_settings_are_json_and_hold_only_what_decides() -> None:
    whole = SegmentSettings(segmenter="fixed", window_seconds=30, overlap_seconds=0)
    assert json.dumps(whole.canonical()) == json.dumps(SegmentSettings("fixed").canonical())
    other_model = SegmentSettings("fixed", max_seconds=40)
    assert other_model.canonical() == whole.canonical()
    assert SegmentSettings().canonical() != SegmentSettings(max_seconds=20).canonical()
    assert len({json.dumps(SegmentSettings(vad=p).canonical()) for p in VAD_PRESETS.values()}) == 5


@pytest.mark.parametrize("how", [SegmentSettings(), FIXED])
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_an_empty_recording_has_no_segments(how: SegmentSettings, rate: int) -> None:
    assert stream(np.empty(0, np.float32), rate, how) == []


@pytest.mark.parametrize("count", [1, 2, 600])
def test_a_recording_of_a_few_samples_is_covered(count: int) -> None:
    (segment,) = stream(noise(count), 192_000, FIXED)
    assert (segment.core_start_sample, segment.core_end_sample) == (0, count)
    assert stream(noise(count), 192_000) == []


@pytest.mark.parametrize("level", [0.0, 0.001, 0.1])
def test_silence_and_noise_contain_no_speech(level: float) -> None:
    assert stream(noise(20 * 16_000) * np.float32(level)) == []


@settings(max_examples=25)
@given(
    count=st.integers(0, 20 * 16_000),
    rate=st.sampled_from([8000, 16_000, 22_050]),
    window=st.integers(10, 80),
    overlap=st.integers(0, 60),
    cuts=st.lists(st.integers(0, 20 * 16_000), max_size=5),
)
def test_windows_cover_every_sample_once(
    count: int, rate: int, window: int, overlap: int, cuts: list[int]
) -> None:
    how = SegmentSettings(
        segmenter="fixed",
        window_seconds=window / 10,
        overlap_seconds=min(overlap, window - 1) / 10,
    )
    segments = stream(noise(count), rate, how, cuts)
    edges = [0, *(segment.core_end_sample for segment in segments)]
    assert edges[:-1] == [segment.core_start_sample for segment in segments]
    assert edges[-1] == count


@pytest.mark.parametrize("rate", [7350, 8000, 11_025, 12_345, 22_050, 44_100, 48_000])
def test_no_window_is_longer_than_the_limit_once_resampled(rate: int) -> None:
    first, second = stream(np.zeros(31 * rate, np.float32), rate, SegmentSettings("fixed"))
    assert 480_000 - 2 < len(soxr.resample(first.samples, rate, 16_000)) <= 480_000
    assert first.core_end_sample == second.core_start_sample
    if rate == 44_100:
        assert first.end_sample == 1_323_000


@pytest.mark.parametrize("samples", [np.zeros((100, 2), np.float32), np.float32(0)])
def test_more_than_one_channel_is_refused(samples: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="one channel"):
        splitter().push(np.asarray(samples))


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(InputError, match="1 Hz"):
        split(Audio(np.zeros(10, np.float32), 1))


@pytest.mark.shared
@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("how", [SegmentSettings(), UNBROKEN, FIXED], ids=["vad", "cut", "fixed"])
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_segments_do_not_depend_on_blocks(
    speech: NDArray[np.float32], rate: int, how: SegmentSettings, data: st.DataObject
) -> None:
    samples = speech[: 25 * 16_000]
    played = samples if rate == 16_000 else soxr.resample(samples, 16_000, rate)
    cuts = data.draw(st.lists(st.integers(0, len(played)), max_size=20))
    assert facts(stream(played, rate, how, cuts)) == facts(stream(played, rate, how))


@pytest.mark.shared
def test_segments_do_not_depend_on_tiny_blocks(speech: NDArray[np.float32]) -> None:
    samples = speech[: 10 * 16_000]
    assert facts(stream(samples, cuts=range(0, len(samples), 101))) == facts(stream(samples))


@pytest.mark.shared
def test_speech_ends_exactly_where_the_recording_does(speech: NDArray[np.float32]) -> None:
    odd = soxr.resample(speech[: 5 * 16_000 + 77], 16_000, 44_100)
    for total in range(len(odd) - 3, len(odd)):
        last = stream(odd[:total], 44_100)[-1]
        assert last.end_sample == last.speech[-1][1] == total


@pytest.mark.shared
def test_ids_name_recording_place_and_settings(speech: NDArray[np.float32]) -> None:
    audio = Audio(speech[: 30 * 16_000], 16_000, "a")
    ids = [segment.segment_id for segment in split(audio)]
    assert ids == [segment.segment_id for segment in split(audio)]
    assert len(set(ids)) == len(ids) > 1
    for other in (
        split(dataclasses.replace(audio, recording_id="b")),
        split(audio, SegmentSettings(max_seconds=29)),
    ):
        assert not set(ids) & {segment.segment_id for segment in other}


@pytest.mark.shared
def test_joined_recordings_lose_almost_no_sound(speech: NDArray[np.float32]) -> None:
    segments = stream(speech)
    inside = sum(float(np.sum(segment.samples**2)) for segment in segments)
    assert inside > 0.98 * float(np.sum(speech**2))
    assert max(segment.duration_seconds for segment in segments) <= 30
    assert all(segment.speech_seconds >= 0.2 for segment in segments)


@pytest.mark.shared
def test_long_speech_is_cut_where_it_is_quiet(speech: NDArray[np.float32]) -> None:
    samples = speech[: 120 * 16_000]
    segments = stream(samples, how=UNBROKEN)
    cuts = [a.end_sample for a, b in pairwise(segments) if a.end_sample == b.start_sample]
    assert len(cuts) >= 20
    assert all(segment.end_sample - segment.start_sample <= 96_000 for segment in segments)
    level = np.array([np.sum(samples[cut - 400 : cut + 400] ** 2) for cut in cuts])
    usual = np.sum(samples[: len(samples) // 800 * 800].reshape(-1, 800) ** 2, axis=1)
    assert np.mean(level < np.median(usual)) > 0.9


@pytest.mark.shared
def test_speech_is_found_where_people_marked_it(
    shared_data: Path, manifest_lines: list[dict[str, Any]]
) -> None:
    """Compared in frames of 10 ms, over all labelled recordings joined into one."""
    lines = [line for line in manifest_lines if line["kind"] == "vad"]
    clips, marks = [], []
    for line in lines:
        clip, _ = read(shared_data / line["audio_filepath"])
        marked = np.zeros(len(clip), bool)
        for part in line["annotation"]:
            start, end = (round(part[edge] * 16_000) for edge in ("start", "end"))
            marked[start:end] = bool(part["speech"])
        clips.append(clip)
        marks.append(marked)
    expected = np.concatenate(marks)[::160]
    spoken, kept = np.zeros((2, sum(map(len, clips))), bool)
    for segment in stream(np.concatenate(clips)):
        kept[segment.start_sample : segment.end_sample] = True
        for start, end in segment.speech:
            spoken[start:end] = True
    found = np.sum(spoken[::160] & expected)
    assert found / np.sum(spoken[::160]) > 0.87
    assert found / np.sum(expected) > 0.94
    assert np.sum(kept[::160] & expected) / np.sum(expected) > 0.98


@pytest.mark.shared
def test_noise_music_and_silence_contain_no_speech(
    shared_data: Path, manifest_lines: list[dict[str, Any]]
) -> None:
    lines = [line for line in manifest_lines if line["kind"] in {"noise", "music", "silence"}]
    assert len(lines) >= 6
    for line in lines:
        assert stream(*read(shared_data / line["audio_filepath"])) == [], line["audio_filepath"]


@pytest.mark.shared
@pytest.mark.parametrize("how", [SegmentSettings(), UNBROKEN], ids=["vad", "cut"])
def test_hostile_samples_cost_only_themselves(
    speech: NDArray[np.float32], how: SegmentSettings
) -> None:
    clip = speech[: 20 * 16_000]
    hostile = np.full(16_000, np.nan, np.float32)
    hostile[::3] = np.inf
    before = stream(clip, how=how)
    after = [
        segment
        for segment in stream(np.concatenate((hostile, clip)), how=how)
        if segment.start_sample > 16_000
    ]
    found = sum(segment.speech_seconds for segment in after)
    assert found > 0.9 * sum(segment.speech_seconds for segment in before[1:])


@pytest.mark.shared
@pytest.mark.parametrize("how", [SegmentSettings(), UNBROKEN, SegmentSettings("fixed")])
@pytest.mark.parametrize("loudness", [0.0, 1.0])
def test_memory_does_not_grow_with_the_recording(
    speech: NDArray[np.float32], how: SegmentSettings, loudness: float
) -> None:
    second_of = np.split(speech[: 60 * 16_000] * np.float32(loudness), 60)
    one = splitter(how=how)
    tracemalloc.start()
    for number in range(360):
        one.push(second_of[number % 60])
    one.finish()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Four times the longest segment and the lag of the detector; the recording takes 23 MB.
    assert peak_bytes < 4 * 45 * 16_000 * 4
