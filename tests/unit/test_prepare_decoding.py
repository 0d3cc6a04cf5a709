"""Decoding alone: whole recordings in memory, as the steps of a pipeline of one's own use them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.prepared import SETTINGS, STEREO, ends, events, only_failure
from support.unit_runs import RATE_HZ, ref, write

from beam_audio.unit.prepare import decode_channels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("channels", ["mix", "split", 1])
def test_decoded_channels_are_the_recordings_of_the_main_job(
    tmp_path: Path,
    channels: Any,  # noqa: ANN401
) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO), offset_seconds=0.5, duration_seconds=1.0)
    settings = replace(SETTINGS, channels=channels)
    audio, failure = decode_channels(source, settings)
    assert failure is None
    recordings = [
        (end.source.recording_id, end.source.channel) for end in ends(events(source, settings))
    ]
    assert [(one.recording_id, one.channel) for one in audio] == recordings
    assert [len(one.samples) for one in audio] == [RATE_HZ] * len(recordings)


def test_a_truncated_recording_is_decoded_up_to_its_end(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(4 * RATE_HZ).astype(np.float32) * 0.1
    path = write(tmp_path / "a.flac", noise)
    path.write_bytes(path.read_bytes()[:-40_000])
    (audio,), failure = decode_channels(ref(path), SETTINGS)
    assert 2.0 < audio.duration_seconds < 4.0
    assert np.abs(audio.samples - noise[: len(audio.samples)]).max() < 1e-4
    assert failure is not None
    assert (failure.unit, failure.stage) == ("recording", "decode")


def test_bytes_that_are_not_audio_decode_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no audio")
    audio, failure = decode_channels(ref(tmp_path / "a.wav"), SETTINGS)
    assert audio == []
    assert failure is not None
    assert failure.error_type == "DecodeError"


def test_a_missing_channel_is_a_failure(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO))
    audio, failure = decode_channels(source, replace(SETTINGS, channels=2))
    assert audio == []
    assert failure is not None
    assert (failure.unit, failure.error_type) == ("recording", "InputError")


def test_a_stated_channel_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", STEREO), channel=2)
    assert only_failure(events(source)).message.startswith("channel 2 was asked for")
    audio, failure = decode_channels(source, SETTINGS)
    assert audio == []
    assert failure is not None
