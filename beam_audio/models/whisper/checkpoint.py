"""Readers of published Whisper checkpoints, which give the weights one set of names.

The names, where ``N`` is a layer number and all linear weights are (output, input)::

    encoder.conv1 encoder.conv2                 .weight (out, in, 3) .bias
    encoder.positions                           (1500, width)
    encoder.N.attention.{norm,qkv,out}          .weight .bias
    encoder.N.mlp.{norm,up,down}                .weight .bias
    encoder.norm                                .weight .bias
    decoder.tokens decoder.positions            (vocabulary, width) (448, width)
    decoder.N.attention.{norm,qkv,out}          .weight .bias
    decoder.N.cross.{norm,q,kv,out}             .weight .bias
    decoder.N.mlp.{norm,up,down}                .weight .bias
    decoder.norm                                .weight .bias
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beam_audio.errors import ModelError
from beam_audio.models.ctranslate2 import CTranslate2File, read_ctranslate2
from beam_audio.models.safetensors import read_safetensors, safetensors_files
from beam_audio.models.weights import Tensor, join_rows, zeros
from beam_audio.models.whisper.config import (
    WhisperConfig,
    WhisperDimensions,
    WhisperTokens,
    read_json,
    read_tokens,
)
from beam_audio.models.whisper.optimum import read_optimum_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPTIMUM_ENCODER = "encoder_model.onnx"
OPTIMUM_DECODERS = ("decoder_model.onnx", "decoder_model_merged.onnx")

_GELU = 3  # CTranslate2's number of the exact Gaussian error linear unit


@dataclass(frozen=True, slots=True)
class WhisperCheckpoint:
    """Weights by the names above, and the configuration of the model."""

    config: WhisperConfig
    weights: dict[str, Tensor]


def read_ctranslate2_whisper(files: Mapping[str, Path]) -> WhisperCheckpoint:
    """Read a CTranslate2 Whisper.

    Args:
        files: Paths of ``model.bin``, ``config.json`` and ``tokenizer.json`` by these names.

    Raises:
        ModelError: It is another kind of model, or something it needs is missing.
    """
    path = files["model.bin"]
    content = read_ctranslate2(path)
    if content.specification != "WhisperSpec":
        raise ModelError(f"{path} holds a {content.specification!r}, not a Whisper model")
    activation = content.integers.get("decoder/activation")
    if activation is None or int(activation) != _GELU:
        raise ModelError(f"{path} uses an activation other than GELU, which Whisper has")
    weights = _Names(content.tensors, path)
    neutral = _neutral_ctranslate2(weights)
    settings = read_json(files["config.json"])
    tokens = read_tokens(
        files["tokenizer.json"],
        _ids(settings, "suppress_ids"),
        _ids(settings, "suppress_ids_begin"),
    )
    dimensions = _dimensions(neutral, *_heads(content, path))
    return _checkpoint(dimensions, tokens, settings, neutral)


def read_huggingface_whisper(files: Mapping[str, Path]) -> WhisperCheckpoint:
    """Read a Hugging Face Whisper directory of safetensors.

    Args:
        files: Paths of ``config.json``, ``tokenizer.json``, the safetensors files with their index,
            and ``generation_config.json`` if there is one.

    Raises:
        ModelError: It is another kind of model, or something it needs is missing.
    """
    directory = files["config.json"].parent
    return _read_huggingface(files, read_safetensors(safetensors_files(directory)))


def read_optimum_whisper(files: Mapping[str, Path]) -> WhisperCheckpoint:
    """Read a Whisper that optimum exported to ONNX.

    Args:
        files: Paths of ``encoder_model.onnx``, ``decoder_model.onnx`` or
            ``decoder_model_merged.onnx``, ``config.json``, ``tokenizer.json``, and
            ``generation_config.json`` if there is one.

    Raises:
        ModelError: It is another kind of model, or something it needs is missing.
    """
    decoder = next(files[name] for name in OPTIMUM_DECODERS if name in files)
    return _read_huggingface(files, read_optimum_tensors(files[OPTIMUM_ENCODER], decoder))


def _read_huggingface(files: Mapping[str, Path], tensors: dict[str, Tensor]) -> WhisperCheckpoint:
    """The checkpoint of tensors with Hugging Face's names and of the JSON files beside them.

    Raises:
        ModelError: It is another kind of model, or something it needs is missing.
    """
    directory = files["config.json"].parent
    settings = read_json(files["config.json"])
    if settings.get("model_type") != "whisper":
        raise ModelError(f"{directory} holds a {settings.get('model_type')!r}, not a Whisper model")
    if settings.get("activation_function", "gelu") != "gelu":
        raise ModelError(f"{directory} uses an activation other than GELU, which Whisper has")
    generation = files.get("generation_config.json")
    generation_settings = settings | (read_json(generation) if generation is not None else {})
    tokens = read_tokens(
        files["tokenizer.json"],
        _ids(generation_settings, "suppress_tokens"),
        _ids(generation_settings, "begin_suppress_tokens"),
    )
    neutral = _neutral_huggingface(_Names(tensors, directory))
    heads = [
        _number(settings.get(name), name)
        for name in ("encoder_attention_heads", "decoder_attention_heads")
    ]
    return _checkpoint(_dimensions(neutral, *heads), tokens, generation_settings, neutral)


def _checkpoint(
    dimensions: WhisperDimensions,
    tokens: WhisperTokens,
    settings: dict[str, Any],
    weights: dict[str, Tensor],
) -> WhisperCheckpoint:
    """The checkpoint, with its tokens and alignment heads checked against its sizes.

    Raises:
        ModelError: A token or an alignment head does not exist in these weights.
    """
    special = (tokens.no_timestamps, tokens.end, *tokens.suppress, *tokens.suppress_first)
    unknown = [token for token in special if not 0 <= token < dimensions.vocabulary]
    if unknown:
        raise ModelError(
            f"the configuration names the tokens {unknown}, but the weights have "
            f"{dimensions.vocabulary} tokens: they belong to different models"
        )
    # The reference uses these for models whose time-following heads were not determined.
    upper = range(dimensions.decoder_layers // 2, dimensions.decoder_layers)
    usual = [(layer, head) for layer in upper for head in range(dimensions.decoder_heads)]
    named = settings.get("alignment_heads") or usual
    name = "alignment_heads"
    pairs = [_list(pair, name) for pair in _list(named, name)]
    if any(len(pair) != len(("layer", "head")) for pair in pairs):
        raise ModelError(f"the configuration's {name} are not pairs of layer and head")
    heads = tuple((_number(layer, name), _number(head, name)) for layer, head in pairs)
    layers, width = dimensions.decoder_layers, dimensions.decoder_heads
    if any(not (0 <= layer < layers and 0 <= head < width) for layer, head in heads):
        raise ModelError(
            f"the configuration names alignment heads beyond the {layers} layers of {width} heads "
            "that the weights have: they belong to different models"
        )
    return WhisperCheckpoint(WhisperConfig(dimensions, tokens, heads), weights)


def _ids(settings: dict[str, Any], name: str) -> tuple[int, ...]:
    return tuple(_number(token, name) for token in _list(settings.get(name) or [], name))


def _list(value: object, name: str) -> list[object]:
    if not isinstance(value, list):
        raise ModelError(f"the configuration's {name} is {value!r:.40}, not a list")
    return value


def _number(value: object, name: str) -> int:
    if not isinstance(value, int):
        raise ModelError(f"the configuration's {name} is {value!r:.40}, not a whole number")
    return value


def _heads(content: CTranslate2File, path: Path) -> tuple[int, int]:
    try:
        found = content.integers
        return int(found["encoder/num_heads"]), int(found["decoder/num_heads"])
    except KeyError as error:
        raise ModelError(f"{path} lacks the setting {error}") from error


class _Names:
    """Looks tensors up by their published names and reports missing ones."""

    def __init__(self, tensors: dict[str, Tensor], where: Path) -> None:
        self._tensors = tensors
        self._where = where

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise ModelError(f"{self._where} lacks the weight {name!r}: it is incomplete")
        return self._tensors[name]

    def layers(self, prefix: str) -> int:
        """Number of layers, counted by the names that begin with ``prefix`` and a number."""
        numbered = re.compile(re.escape(prefix) + r"(\d+)")
        numbers = {int(match[1]) for name in self._tensors if (match := numbered.match(name))}
        if numbers != set(range(len(numbers))) or not numbers:
            raise ModelError(f"{self._where} lacks some of the layers {prefix}*: it is incomplete")
        return len(numbers)


def _neutral_ctranslate2(names: _Names) -> dict[str, Tensor]:
    """CTranslate2's weights by the names at the top of this file."""
    weights: dict[str, Tensor] = {}

    def put(target: str, name: str, weight: str = "weight", bias: str = "bias") -> None:
        weights[f"{target}.weight"] = names[f"{name}/{weight}"]
        weights[f"{target}.bias"] = names[f"{name}/{bias}"]

    def put_block(target: str, name: str, linears: tuple[str, ...]) -> None:
        put(f"{target}.norm", f"{name}/layer_norm", "gamma", "beta")
        for index, linear in enumerate(linears):
            put(f"{target}.{linear}", f"{name}/linear_{index}")

    for side in ("encoder", "decoder"):
        put(f"{side}.norm", f"{side}/layer_norm", "gamma", "beta")
        weights[f"{side}.positions"] = names[f"{side}/position_encodings/encodings"]
        for layer in range(names.layers(f"{side}/layer_")):
            here, there = f"{side}.{layer}", f"{side}/layer_{layer}"
            put_block(f"{here}.attention", f"{there}/self_attention", ("qkv", "out"))
            put_block(f"{here}.mlp", f"{there}/ffn", ("up", "down"))
            if side == "decoder":
                put_block(f"{here}.cross", f"{there}/attention", ("q", "kv", "out"))
    put("encoder.conv1", "encoder/conv1")
    put("encoder.conv2", "encoder/conv2")
    weights["decoder.tokens"] = names["decoder/embeddings/weight"]
    return weights


def _neutral_huggingface(names: _Names) -> dict[str, Tensor]:
    """Hugging Face's weights by the names at the top of this file."""
    weights: dict[str, Tensor] = {}

    def put(target: str, *layers: str) -> None:
        """Stack linear layers; Whisper's key projections have no bias, so they get zeros."""
        matrices = [names[f"model.{layer}.weight"] for layer in layers]
        weights[f"{target}.weight"] = join_rows(matrices)
        biases = [
            zeros(matrix.shape[0]) if layer.endswith("k_proj") else names[f"model.{layer}.bias"]
            for layer, matrix in zip(layers, matrices, strict=True)
        ]
        weights[f"{target}.bias"] = join_rows(biases)

    for side in ("encoder", "decoder"):
        put(f"{side}.norm", f"{side}.layer_norm")
        weights[f"{side}.positions"] = names[f"model.{side}.embed_positions.weight"]
        for layer in range(names.layers(f"model.{side}.layers.")):
            here, there = f"{side}.{layer}", f"{side}.layers.{layer}"
            attention = f"{there}.self_attn"
            put(f"{here}.attention.norm", f"{there}.self_attn_layer_norm")
            put(f"{here}.attention.qkv", *(f"{attention}.{part}_proj" for part in "qkv"))
            put(f"{here}.attention.out", f"{attention}.out_proj")
            put(f"{here}.mlp.norm", f"{there}.final_layer_norm")
            put(f"{here}.mlp.up", f"{there}.fc1")
            put(f"{here}.mlp.down", f"{there}.fc2")
            if side == "decoder":
                cross = f"{there}.encoder_attn"
                put(f"{here}.cross.norm", f"{there}.encoder_attn_layer_norm")
                put(f"{here}.cross.q", f"{cross}.q_proj")
                put(f"{here}.cross.kv", f"{cross}.k_proj", f"{cross}.v_proj")
                put(f"{here}.cross.out", f"{cross}.out_proj")
    put("encoder.conv1", "encoder.conv1")
    put("encoder.conv2", "encoder.conv2")
    weights["decoder.tokens"] = names["model.decoder.embed_tokens.weight"]
    return weights


def _dimensions(
    weights: dict[str, Tensor], encoder_heads: int, decoder_heads: int
) -> WhisperDimensions:
    """The sizes of the network, read from the shapes of its weights.

    Raises:
        ModelError: The heads do not divide the width.
    """
    width, mel_bands, _ = weights["encoder.conv1.weight"].shape
    encoder_layers, decoder_layers = (
        sum(name.startswith(side) and name.endswith(".mlp.up.weight") for name in weights)
        for side in ("encoder", "decoder")
    )
    if min(encoder_heads, decoder_heads) < 1 or width % encoder_heads or width % decoder_heads:
        raise ModelError(f"{encoder_heads} and {decoder_heads} heads do not divide {width}")
    return WhisperDimensions(
        mel_bands=mel_bands,
        width=width,
        audio_positions=weights["encoder.positions"].shape[0],
        text_positions=weights["decoder.positions"].shape[0],
        encoder_layers=encoder_layers,
        encoder_heads=encoder_heads,
        decoder_layers=decoder_layers,
        decoder_heads=decoder_heads,
        vocabulary=weights["decoder.tokens"].shape[0],
    )
