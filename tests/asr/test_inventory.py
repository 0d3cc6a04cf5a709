from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.installed_models import BASE

from beam_audio.asr import ModelOptions, Request, build_model, check_model, list_models, load_model
from beam_audio.errors import ChecksumError
from beam_audio.models.card import list_cards
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from pathlib import Path

CLIP = Request(np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_damaged_build_is_refused_and_built_again_on_request(weights: str) -> None:
    built = build_model(weights)
    assert built is not None
    flip(built / "decoder.onnx")
    with pytest.raises(ChecksumError, match=r"decoder\.onnx"):
        load_model(weights, ModelOptions(provider="cpu"))
    with pytest.raises(ChecksumError, match=r"decoder\.onnx"):
        build_model(str(built))  # a built directory has no weights to build it from
    assert build_model(weights) == built
    assert len(load_model(weights, ModelOptions(provider="cpu")).transcribe([CLIP])) == 1


def test_check_reports_every_file(weights: str) -> None:
    report = check_model(weights)
    assert report.directory == ensure_built(weights).directory
    assert set(report.files) == {
        "alignment.onnx", "audio_rows.onnx", "config.json", "decoder.onnx", "encoder.onnx",
        "log_mel.onnx", "rows.onnx", "tokenizer.json",
    }  # fmt: skip
    assert report.model_sha256 in str(report)
    assert "decoder.onnx" in str(report)
    assert report.directory is not None
    flip(report.directory / "tokenizer.json")
    with pytest.raises(ChecksumError, match=r"tokenizer\.json"):
        check_model(weights)


def test_the_list_says_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
