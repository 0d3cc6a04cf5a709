from __future__ import annotations

import dataclasses

import pytest

from beam_audio.errors import ConfigError
from beam_audio.segments.vad_presets import VAD_PRESETS, VadSettings, check_max_seconds


def test_the_default_is_the_documented_one() -> None:
    assert VAD_PRESETS["default"] == VadSettings(
        threshold=0.5,
        release=0.35,
        min_speech_seconds=0.25,
        min_silence_seconds=0.3,
        pad_seconds=0.2,
        max_seconds=30.0,
    )


def test_every_documented_preset_is_there_and_differs() -> None:
    assert set(VAD_PRESETS) == {
        "default",
        "faster-whisper",
        "whisperx",
        "nemo-curator",
        "onnx-asr",
    }
    assert len(set(VAD_PRESETS.values())) == len(VAD_PRESETS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"threshold": 0.3}, "release"),
        ({"threshold": 1.5}, "threshold"),
        ({"release": 0.0}, "release"),
        ({"threshold": float("nan")}, "threshold"),
        ({"min_speech_seconds": -0.1}, "min_speech_seconds"),
        ({"min_silence_seconds": float("nan")}, "min_silence_seconds"),
        ({"min_silence_seconds": 31.0}, "min_silence_seconds"),
        ({"pad_seconds": 8.0}, "four pads"),
        ({"max_seconds": 0.5}, "at least 1 s"),
        ({"max_seconds": float("inf")}, "finite"),
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        dataclasses.replace(VadSettings(), **change)


def test_a_model_limit_too_short_for_the_pads_names_the_flag() -> None:
    check_max_seconds(1.2, pad_seconds=0.3)
    with pytest.raises(ConfigError, match="--vad_preset"):
        check_max_seconds(1.1, pad_seconds=0.3)
