from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import (
    LARGE_V3_VOCABULARY,
    Shape,
    random_weights,
    write_ctranslate2,
    write_huggingface,
    write_safetensors,
)

from beam_audio.errors import ModelError
from beam_audio.models.whisper.checkpoint import (
    read_ctranslate2_whisper,
    read_huggingface_whisper,
)

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=8, heads=2, encoder_layers=2, decoder_layers=3)


def files_of(directory: Path) -> dict[str, Path]:
    return {path.name: path for path in directory.iterdir()}


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return random_weights(SHAPE)


def test_both_layouts_give_the_same_checkpoint(
    tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    write_ctranslate2(tmp_path / "ct2", weights, SHAPE)
    write_huggingface(tmp_path / "hf", weights, SHAPE, shards=3)
    first = read_ctranslate2_whisper(files_of(tmp_path / "ct2"))
    second = read_huggingface_whisper(files_of(tmp_path / "hf"))
    assert first.config == second.config
    assert first.weights.keys() == second.weights.keys()
    for name, tensor in first.weights.items():
        assert tensor.shape == second.weights[name].shape, name
        assert np.array_equal(tensor.read(), second.weights[name].read()), name


def test_sizes_are_those_of_the_weights(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_huggingface(tmp_path, weights, SHAPE)
    sizes = read_huggingface_whisper(files_of(tmp_path)).config.dimensions
    assert (sizes.mel_bands, sizes.width, sizes.vocabulary) == (128, 8, LARGE_V3_VOCABULARY)
    assert (sizes.encoder_layers, sizes.decoder_layers) == (2, 3)
    assert (sizes.audio_positions, sizes.text_positions) == (1500, 448)


@pytest.mark.parametrize("lost", ["model.decoder.layers.1.fc1.weight", "model.encoder.conv1.bias"])
def test_a_missing_weight_is_named(
    tmp_path: Path, weights: dict[str, np.ndarray], lost: str
) -> None:
    rest = {name: array for name, array in weights.items() if name != lost}
    write_huggingface(tmp_path, rest, SHAPE)
    with pytest.raises(ModelError, match=f"lacks the weight '{lost}'"):
        read_huggingface_whisper(files_of(tmp_path))


def test_a_missing_layer_is_noticed(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    rest = {name: array for name, array in weights.items() if "decoder.layers.1." not in name}
    write_huggingface(tmp_path, rest, SHAPE)
    with pytest.raises(ModelError, match="lacks some of the layers"):
        read_huggingface_whisper(files_of(tmp_path))


def test_tokens_beyond_the_vocabulary_are_refused(
    tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    write_huggingface(tmp_path, weights, SHAPE)
    settings = {"suppress_tokens": [7, -1, 60_000]}
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=r"names the tokens \[-1, 60000\]"):
        read_huggingface_whisper(files_of(tmp_path))


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "tokenizer.json").write_text("{}")
    write_safetensors(tmp_path / "model.safetensors", {})
    with pytest.raises(ModelError, match="'bert', not a Whisper"):
        read_huggingface_whisper(files_of(tmp_path))


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"suppress_tokens": True}, "suppress_tokens is True, not a list"),
        ({"suppress_tokens": [float("nan")]}, "suppress_tokens is nan, not a whole number"),
        ({"alignment_heads": [[]]}, "alignment_heads are not pairs"),
        ({"alignment_heads": [[0, "1"]]}, "alignment_heads is '1', not a whole number"),
    ],
)
def test_settings_of_another_kind_are_named(
    tmp_path: Path, weights: dict[str, np.ndarray], settings: dict[str, object], wrong: str
) -> None:
    write_huggingface(tmp_path, weights, SHAPE)
    (tmp_path / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=wrong):
        read_huggingface_whisper(files_of(tmp_path))


@pytest.mark.parametrize("heads", [0, -2, None, "2"])
def test_a_number_of_heads_is_a_whole_number_above_0(
    tmp_path: Path, weights: dict[str, np.ndarray], heads: object
) -> None:
    write_huggingface(tmp_path, weights, SHAPE)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"decoder_attention_heads": heads}))
    with pytest.raises(ModelError, match="heads"):
        read_huggingface_whisper(files_of(tmp_path))
