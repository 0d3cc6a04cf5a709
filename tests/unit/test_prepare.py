"""From a reference to measured segments: channels, cuts, limits, failures."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.encoded_audio import encode_tracks
from support.prepared import SETTINGS, STEREO, ends, events, only_failure, segments
from support.unit_runs import DEMO, RATE_HZ, VAD, ref, speech, tones, write

from beam_audio.audio.decode import DecodeLimits
from beam_audio.errors import ConfigError
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import KnownInput, RecordingEnd
from beam_audio.unit.prepare import prepare

if TYPE_CHECKING:
    from pathlib import Path

# --- Preparing ------------------------------------------------------------------------------------


def test_inline_bytes_need_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    inline = AudioRef("message:1", path.stat().st_size, inline=path.read_bytes())
    (end,) = ends(events(inline))
    (same,) = ends(events(ref(path)))
    assert end.decoded_samples == 2 * RATE_HZ
    assert end.source.content_sha256 == same.source.content_sha256
    assert end.source.recording_id != same.source.recording_id


def test_a_track_of_a_number_is_a_recording_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(encode_tracks("matroska", (1.0, 3.0)))
    found = [ends(events(ref(path), replace(SETTINGS, tracks=track)))[0] for track in (None, 0, 1)]
    assert len({end.source.recording_id for end in found}) == 3
    assert [round(end.decoded_samples / RATE_HZ) for end in found] == [1, 1, 3]
    assert [end.reasons for end in found] == [
        ("other_audio_tracks:1",),
        ("other_audio_tracks:1",),
        ("other_audio_tracks:0",),
    ]
    failure = only_failure(events(ref(path), replace(SETTINGS, tracks=2)))
    assert "has 2 audio tracks" in failure.message


def test_segments_come_in_order_and_the_end_comes_last(tmp_path: Path) -> None:
    found = events(ref(write(tmp_path / "a.wav", tones([0.1] * 3, 44_100), 44_100)))
    assert isinstance(found[-1], RecordingEnd)
    assert [item.segment.segment_index for item in segments(found)] == [0, 1, 2]
    assert len(found) == 4
    for item in segments(found):
        assert item.clip.dtype == np.float32
        assert len(item.clip) == RATE_HZ
        assert len(item.segment.samples) == 0
        assert item.encoded is None
        assert item.quality.rms_dbfs == pytest.approx(-23.01, abs=0.01)


def test_the_clip_has_the_rate_asked_for(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    (item,) = segments(events(source, replace(SETTINGS, clip_rate_hz=8_000)))
    assert len(item.clip) == 8_000


def test_speech_seconds_are_counted_without_pads(tmp_path: Path) -> None:
    pause = np.zeros(RATE_HZ, np.float32)
    source = ref(write(tmp_path / "a.wav", np.concatenate([pause, speech(), pause])))
    found = events(source, replace(SETTINGS, segments=VAD))
    (end,) = ends(found)
    speech_seconds = sum(item.segment.speech_seconds for item in segments(found))
    assert end.speech_samples / RATE_HZ == pytest.approx(speech_seconds)
    assert (
        1.0 < speech_seconds < sum(item.segment.duration_seconds for item in segments(found)) < 2.5
    )


@pytest.mark.parametrize(
    ("channels", "expected"), [("mix", [None]), ("split", [0, 1]), (0, [0]), (1, [1])]
)
def test_a_channel_is_a_recording_of_its_own(
    tmp_path: Path,
    channels: Any,  # noqa: ANN401
    expected: list[int | None],
) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO))
    found = events(source, replace(SETTINGS, channels=channels))
    assert [end.source.channel for end in ends(found)] == expected
    assert len({end.source.recording_id for end in ends(found)}) == len(expected)
    for item in segments(found):
        assert item.segment.channel == item.source.channel
        assert item.segment.recording_id == item.source.recording_id
        second = item.segment.segment_index
        left, right = STEREO[second * RATE_HZ : (second + 1) * RATE_HZ].T
        wanted = {None: (left + right) / 2, 0: left, 1: right}[item.source.channel]
        assert np.abs(item.clip - wanted).max() < 1e-4


@pytest.mark.parametrize("channels", ["mix", "split", 0])
def test_a_stated_channel_is_the_only_one_that_is_taken(
    tmp_path: Path,
    channels: Any,  # noqa: ANN401
) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO), channel=1, reference_text="yes")
    settings = replace(SETTINGS, channels=channels)
    (end,) = ends(events(source, settings))
    assert (end.source.channel, end.source.ref) == (1, source)
    assert end.source.recording_id not in {
        other.source.recording_id
        for policy in ("mix", "split")
        for other in ends(events(replace(source, channel=None), replace(SETTINGS, channels=policy)))
    }


@pytest.mark.parametrize(
    ("samples", "channels", "texts", "reasons"),
    [
        (STEREO, "split", [None, None], ("reference_without_channel",)),
        (STEREO, "mix", ["yes"], ()),
        (STEREO, 1, ["yes"], ()),
        (STEREO[:, 0], "split", ["yes"], ()),
    ],
)
def test_a_text_without_a_channel_is_the_text_of_no_split_channel(
    tmp_path: Path,
    samples: Any,  # noqa: ANN401
    channels: Any,  # noqa: ANN401
    texts: list[str | None],
    reasons: tuple[str, ...],
) -> None:
    source = ref(write(tmp_path / "a.wav", samples), reference_text="yes")
    found = ends(events(source, replace(SETTINGS, channels=channels)))
    assert [end.source.ref.reference_text for end in found] == texts
    assert {end.source.ref.reasons for end in found} == {reasons}


@pytest.mark.parametrize(
    ("offset", "duration", "start", "end"),
    [(0.5, 1.0, 8_000, 24_000), (0.25, None, 4_000, 32_000), (1.0, 1.0, 16_000, 32_000)],
)
def test_a_cut_counts_from_its_own_start(
    tmp_path: Path, offset: float, duration: float | None, start: int, end: int
) -> None:
    tone = tones([0.1, 0.2])
    path = write(tmp_path / "a.wav", tone)
    found = events(ref(path, offset_seconds=offset, duration_seconds=duration))
    (recording,) = ends(found)
    assert recording.decoded_samples == end - start
    assert recording.truncation is None
    assert segments(found)[0].segment.start_sample == 0
    clip = np.concatenate([item.clip for item in segments(found)])
    assert np.abs(clip - tone[start:end]).max() < 1e-4
    assert recording.source.recording_id != ends(events(ref(path)))[0].source.recording_id


def test_a_recording_known_by_its_content_is_not_decoded_again(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO))
    split = replace(SETTINGS, channels="split")
    first, second = (end.source.recording_id for end in ends(events(source, split)))
    touched = replace(source, version="2")
    assert events(touched, split, {first, second}) == [
        KnownInput(touched.source_id, (first, second))
    ]
    assert len(ends(events(touched, split, {first}))) == 2


def test_limits_truncate_a_recording_and_say_so(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1] * 4)))
    limited = replace(SETTINGS, limits=DecodeLimits(max_recording_seconds=2.5))
    (end,) = ends(events(source, limited))
    assert end.decoded_samples == 2.5 * RATE_HZ
    assert end.truncation is not None
    assert (end.truncation.error_type, end.truncation.unit) == ("LimitError", "recording")
    assert end.truncation.recording_id == end.source.recording_id


# --- Failing --------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("tensorflow_io") is not None, reason="the tfio extra is installed")
def test_a_missing_decoder_fails_the_run_and_not_the_recording(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    with pytest.raises(ConfigError, match=r"pip install 'beam_audio\[tfio\]'"):
        events(source, replace(SETTINGS, decoder="tfio"))


def test_a_missing_file_is_a_failed_input(tmp_path: Path) -> None:
    source = AudioRef(str(tmp_path / "none.wav"), 1, attempt=3)
    failure = only_failure(events(source))
    assert (failure.unit, failure.stage, failure.error_type) == ("input", "open", "InputError")
    assert (failure.source_id, failure.attempt) == (source.source_id, 3)
    assert "none.wav" in failure.message


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\0" * 5_000, b"<html>" * 100])
def test_bytes_that_are_not_audio_are_a_failed_recording(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    failure = only_failure(events(ref(tmp_path / "a.wav")))
    assert (failure.unit, failure.stage) == ("recording", "decode")
    assert failure.error_type == "DecodeError"


@pytest.mark.parametrize(
    ("changed", "error_type"),
    [
        ({"channels": 2}, "InputError"),
        ({"limits": DecodeLimits(max_channels=1)}, "LimitError"),
        ({"limits": DecodeLimits(max_source_bytes=1_000)}, "LimitError"),
        ({"limits": DecodeLimits(max_sample_rate_hz=8_000)}, "LimitError"),
    ],
)
def test_audio_outside_the_settings_fails_without_segments(
    tmp_path: Path, changed: dict[str, Any], error_type: str
) -> None:
    found = events(ref(write(tmp_path / "a.wav", STEREO)), replace(SETTINGS, **changed))
    assert only_failure(found).error_type == error_type
    assert len(found) == 1


@pytest.mark.shared
def test_a_failure_says_the_same_each_time(shared_data: Path) -> None:
    """Addresses of objects or names of temporary files would make rows differ."""
    broken = sorted((shared_data / "malformed").iterdir())
    told = [
        [event for event in events(ref(path)) if isinstance(event, Failure)]
        for _ in range(2)
        for path in broken
        if path.stat().st_size < 20_000
    ]
    half = len(told) // 2
    assert sum(map(len, told)) > 20
    assert told[:half] == told[half:]
    for failure in (failure for failures in told for failure in failures):
        assert " at 0x" not in failure.message
        assert failure.message


def test_time_is_counted_by_stage() -> None:
    clock = StageClock()
    assert len(list(prepare(ref(DEMO / "river.wav"), SETTINGS, clock))) > 1
    assert {"open", "decode", "segment", "measure"} == set(clock.seconds)
    assert all(seconds > 0 for seconds in clock.seconds.values())
