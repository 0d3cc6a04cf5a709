from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.installed_models import TINY_EN, needs_tiny_en
from support.random_ctc import random_ctc, write_ctc
from support.random_optimum import write_optimum
from support.random_whisper import Shape, random_weights

from beam_audio.asr import (
    ModelOptions,
    Request,
    build_model,
    check_model,
    load_model,
    model_facts,
)
from beam_audio.errors import ModelError, ProviderError

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)
CLIP = Request(np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32))


@needs_tiny_en
def test_a_name_is_enough() -> None:
    recognizer = load_model(TINY_EN, ModelOptions(provider="cpu"))
    facts = model_facts(TINY_EN)
    assert recognizer.facts.model_id == facts.model_id == "whisper-tiny.en/float32"
    assert recognizer.facts.model_sha256 == facts.model_sha256
    assert facts.languages == {"en"}
    assert recognizer.facts == facts


def test_a_directory_of_weights_is_enough(weights: str) -> None:
    recognizer = load_model(weights, ModelOptions(provider="cpu", mode="translate"))
    facts = model_facts(weights, ModelOptions(mode="translate"))
    assert facts.model_id == "weights/float32/translate"
    assert recognizer.facts == facts
    assert len(recognizer.transcribe([CLIP])) == 1


def test_a_built_directory_needs_no_weights(weights: str) -> None:
    built = build_model(weights)
    assert built is not None
    expected = load_model(weights, ModelOptions(provider="cpu")).transcribe([CLIP])
    shutil.rmtree(weights)
    assert load_model(str(built), ModelOptions(provider="cpu")).transcribe([CLIP]) == expected


def test_facts_of_a_card_need_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path))
    facts = model_facts("whisper-small")
    assert facts.model_id == "whisper-small/float32"
    assert len(facts.languages) == 99
    assert list(tmp_path.iterdir()) == []


def test_the_placeholder_needs_nothing() -> None:
    recognizer = load_model("placeholder", ModelOptions(provider="cpu", require_provider=True))
    facts = model_facts("placeholder")
    assert recognizer.facts == facts
    assert build_model("placeholder") is None
    assert check_model("placeholder").files == {}
    with pytest.raises(ProviderError, match="cuda was required"):
        load_model("placeholder", ModelOptions(provider="cuda", require_provider=True))


@pytest.mark.parametrize("name", [TINY_EN, "placeholder"])
def test_an_unknown_precision_is_refused(name: str) -> None:
    for function in (load_model, model_facts):
        with pytest.raises(ModelError, match="'float8' is not one of float32"):
            function(name, ModelOptions(precision="float8"))


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    for function in (load_model, build_model, check_model, model_facts):
        with pytest.raises(ModelError, match="did you mean whisper-base"):
            function("whisper-bas")


def test_padding_and_precision_are_part_of_the_model_id(weights: str) -> None:
    recognizer = load_model(
        weights, ModelOptions(precision="int8", padding="condensed", provider="cpu")
    )
    facts = model_facts(weights, ModelOptions(precision="int8", padding="condensed"))
    assert recognizer.facts.model_id == facts.model_id == "weights/int8/condensed"
    assert recognizer.facts.model_sha256 == facts.model_sha256
    assert recognizer.facts.model_sha256 != model_facts(weights).model_sha256


def test_int8_takes_the_cpu_and_refuses_another_provider(weights: str) -> None:
    assert load_model(weights, ModelOptions(precision="int8")).provider == "CPUExecutionProvider"
    with pytest.raises(ProviderError, match=r"int8 runs on the CPU only.*--precision=float16"):
        load_model(weights, ModelOptions(precision="int8", provider="cuda"))


def test_an_optimum_export_gives_the_tokens_of_its_checkpoint(weights: str, tmp_path: Path) -> None:
    export = tmp_path / "optimum"
    write_optimum(export, random_weights(SHAPE))
    for file in Path(weights).glob("*.json"):
        shutil.copy(file, export)
    transcripts = [
        load_model(directory, ModelOptions(provider="cpu", safeguards=False)).transcribe([CLIP])
        for directory in (weights, str(export))
    ]
    assert transcripts[0] == transcripts[1]
    assert transcripts[0][0].token_ids


def test_other_families_are_recognised_by_their_files(tmp_path: Path) -> None:
    directory = tmp_path / "wav2vec"
    write_ctc(directory, random_ctc(), masked=True)
    recognizer, facts = (
        load_model(str(directory), ModelOptions(provider="cpu")),
        model_facts(str(directory)),
    )
    assert facts.model_id == "wav2vec/float32/wav2vec2-ctc"
    assert recognizer.facts == facts
    assert recognizer.transcribe([CLIP])[0].words is not None
    assert build_model(str(directory)) == directory
    assert check_model(str(directory)).files.keys() >= {"model.onnx", "vocab.json"}


def test_whispers_options_are_refused_for_other_families(tmp_path: Path) -> None:
    write_ctc(tmp_path, random_ctc(), masked=True)
    with pytest.raises(ModelError, match="--task=translate is for Whisper models"):
        model_facts(str(tmp_path), ModelOptions(mode="translate"))
    with pytest.raises(ModelError, match="--padding=condensed is for Whisper models"):
        load_model(str(tmp_path), ModelOptions(padding="condensed"))
    with pytest.raises(ModelError, match="--prompt=Once is for Whisper models"):
        load_model(str(tmp_path), ModelOptions(prompt="Once"))
