from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from installed_models import BASE, TINY_EN, needs_tiny_en
from random_whisper import Shape, random_weights, write_huggingface

from beam_audio.asr import (
    Request,
    build_model,
    check_model,
    list_models,
    load_model,
    model_facts,
)
from beam_audio.errors import ChecksumError, ModelError, ProviderError
from beam_audio.models.card import list_cards
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)
CLIP = Request(np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32))


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A directory of random weights, and an empty cache."""
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "cache"))
    write_huggingface(tmp_path / "weights", random_weights(SHAPE), SHAPE)
    return str(tmp_path / "weights")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@needs_tiny_en
def test_a_name_is_enough() -> None:
    recognizer = load_model(TINY_EN, provider="cpu")
    facts = model_facts(TINY_EN)
    assert recognizer.model_id == facts.model_id == "whisper-tiny.en/float32"
    assert recognizer.model_sha256 == facts.model_sha256
    assert recognizer.languages == facts.languages == {"en"}
    assert recognizer.sample_rate_hz == facts.sample_rate_hz
    assert recognizer.max_seconds == facts.max_seconds


def test_a_directory_of_weights_is_enough(weights: str) -> None:
    recognizer = load_model(weights, provider="cpu", task="translate")
    facts = model_facts(weights, task="translate")
    assert recognizer.model_id == facts.model_id == "weights/float32/translate"
    assert recognizer.model_sha256 == facts.model_sha256
    assert recognizer.languages == facts.languages
    assert len(recognizer.transcribe([CLIP])) == 1


def test_a_built_directory_needs_no_weights(weights: str) -> None:
    built = build_model(weights)
    assert built is not None
    expected = load_model(weights, provider="cpu").transcribe([CLIP])
    shutil.rmtree(weights)
    assert load_model(str(built), provider="cpu").transcribe([CLIP]) == expected


def test_a_damaged_build_is_refused_and_built_again_on_request(weights: str) -> None:
    built = build_model(weights)
    assert built is not None
    flip(built / "decoder.onnx")
    with pytest.raises(ChecksumError, match=r"decoder\.onnx"):
        load_model(weights, provider="cpu")
    with pytest.raises(ChecksumError, match=r"decoder\.onnx"):
        build_model(str(built))  # given as it is, there is nothing to build it from
    assert build_model(weights) == built
    assert len(load_model(weights, provider="cpu").transcribe([CLIP])) == 1


def test_check_reports_every_file(weights: str) -> None:
    report = check_model(weights)
    assert report.directory == ensure_built(weights).directory
    assert set(report.files) == {
        "config.json", "decoder.onnx", "encoder.onnx", "tokenizer.json",
    }  # fmt: skip
    assert report.model_sha256 in str(report)
    assert "decoder.onnx" in str(report)
    assert report.directory is not None
    flip(report.directory / "tokenizer.json")
    with pytest.raises(ChecksumError, match=r"tokenizer\.json"):
        check_model(weights)


def test_facts_of_a_card_need_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path))
    facts = model_facts("whisper-small")
    assert facts.model_id == "whisper-small/float32"
    assert len(facts.languages) == 99
    assert list(tmp_path.iterdir()) == []


def test_the_list_says_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path))
    models = {model.name: model for model in list_models()}
    assert list(models) == [card.name for card in list_cards()]
    assert models["placeholder"].available
    assert models["placeholder"].cure == ""
    small = models["whisper-small"]
    assert (small.available, small.status) == (False, "weights not installed")
    assert small.cure == "pip install huggingface_hub && beam-audio models build whisper-small"
    assert small.cure in str(small)
    assert models[BASE].card.description in str(models[BASE])


def test_the_placeholder_needs_nothing() -> None:
    recognizer = load_model("placeholder", provider="cpu", require_provider=True)
    facts = model_facts("placeholder")
    assert (recognizer.model_id, recognizer.model_sha256) == (facts.model_id, facts.model_sha256)
    assert build_model("placeholder") is None
    assert check_model("placeholder").files == {}
    with pytest.raises(ProviderError, match="cuda was required"):
        load_model("placeholder", provider="cuda", require_provider=True)


@pytest.mark.parametrize("name", [TINY_EN, "placeholder"])
def test_a_precision_there_is_not_is_refused(name: str) -> None:
    for function in (load_model, model_facts):
        with pytest.raises(ModelError, match="'float8' is not one of float32"):
            function(name, precision="float8")


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    for function in (load_model, build_model, check_model, model_facts):
        with pytest.raises(ModelError, match="did you mean whisper-base"):
            function("whisper-bas")
