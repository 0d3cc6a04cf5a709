"""Models are found before a run begins, and an error names their flag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import settings
from support.small_classifiers import write_yamnet
from support.small_enhancers import write_enhancer

from beam_audio.asr import model_facts
from beam_audio.errors import ConfigError
from beam_audio.run.config import NO_OTHERS
from beam_audio.run.find_models import find_model, find_other_models

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.config import RunConfig

FIRST = replace(model_facts("placeholder"), model_sha256="0" * 64)


def configured(**flags: object) -> RunConfig:
    return settings(input="in", output="out", **flags)


def test_a_model_that_cannot_be_had_names_its_flag(tmp_path: Path) -> None:
    assert find_model(configured(), "placeholder") == model_facts("placeholder")
    missing = tmp_path / "none"
    with pytest.raises(ConfigError, match=f"--model={missing}: "):
        find_model(configured(model=missing), str(missing))


def test_what_is_not_asked_for_is_not_there() -> None:
    assert find_other_models(configured(), FIRST) == NO_OTHERS


def test_the_others_keep_the_names_that_workers_find_them_by(tmp_path: Path) -> None:
    sounds, half = write_yamnet(tmp_path / "sounds"), write_enhancer(tmp_path / "half")
    config = configured(
        second_model="placeholder", classify_model=f"{sounds}/", enhance_model=f"{half}/"
    )
    found = find_other_models(config, FIRST)
    assert found.second == model_facts("placeholder")
    assert found.classifier is not None
    assert found.classifier.name == f"{sounds}/"
    assert found.enhancer is not None
    assert found.enhancer.folder == f"{half}/"


@pytest.mark.parametrize(
    "flag", ["second_model", "classify_model", "speaker_model", "enhance_model"]
)
def test_another_that_cannot_be_had_names_its_flag(tmp_path: Path, flag: str) -> None:
    missing = tmp_path / "none"
    with pytest.raises(ConfigError, match=f"--{flag}={missing}: "):
        find_other_models(configured(**{flag: missing}), FIRST)


def test_the_second_model_is_another_and_hears_the_same_rate() -> None:
    config = configured(second_model="placeholder")
    with pytest.raises(ConfigError, match="--second_model=placeholder is --model: name another"):
        find_other_models(config, model_facts("placeholder"))
    with pytest.raises(ConfigError, match="hears 16000 Hz and --model=placeholder 8000 Hz"):
        find_other_models(config, replace(FIRST, sample_rate_hz=8_000))
