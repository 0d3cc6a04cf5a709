"""Writes a Whisper of transformers' layout as CTranslate2 loads it, without torch."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from ctranslate2.specs import WhisperSpec
from reference import whisper_vocabulary

from beam_audio.models.safetensors import read_safetensors, safetensors_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Read = Callable[[str], NDArray[np.float16]]

Half: Final = np.float16
_SIDES: Final = ("encoder", "decoder")


def write_ctranslate2(source: Path, target: Path) -> None:
    """Write a folder for ``ctranslate2.models.Whisper``, in float16.

    Args:
        source: A folder with ``config.json``, ``generation_config.json``, ``tokenizer.json`` and
            weights; the output layer is the embedding of the tokens.
        target: The folder, which is made.
    """
    config = json.loads((source / "config.json").read_text("utf-8"))
    weights = read_safetensors(safetensors_files(source))

    def read(name: str) -> NDArray[np.float16]:
        found = weights.get(f"model.{name}")
        # Keys have no bias.
        return np.zeros(config["d_model"], Half) if found is None else found.read().astype(Half)

    spec = WhisperSpec(
        *(config[f"{side}_{of}"] for side in _SIDES for of in ("layers", "attention_heads"))
    )
    for number in (1, 2):
        _set(getattr(spec.encoder, f"conv{number}"), f"encoder.conv{number}", read)
    for side in _SIDES:
        part = getattr(spec, side)
        part.position_encodings.encodings = read(f"{side}.embed_positions.weight")
        _set_norm(part.layer_norm, f"{side}.layer_norm", read)
        for number, layer in enumerate(part.layer):
            _set_layer(layer, partial(_read_below, read, f"{side}.layers.{number}"))
    spec.decoder.embeddings.weight = read("decoder.embed_tokens.weight")
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.register_vocabulary(whisper_vocabulary(source / "tokenizer.json"))
    generation = json.loads((source / "generation_config.json").read_text("utf-8"))
    spec.config.suppress_ids = generation["suppress_tokens"]
    spec.config.suppress_ids_begin = generation["begin_suppress_tokens"]
    spec.config.alignment_heads = generation["alignment_heads"]
    spec.config.lang_ids = []
    spec.validate()
    target.mkdir()
    spec.save(str(target))


def _read_below(read: Read, parent: str, name: str) -> NDArray[np.float16]:
    return read(f"{parent}.{name}")


def _set_layer(layer: Any, read: Read) -> None:  # noqa: ANN401 - the library has no types
    _set_attention(layer.self_attention, "self_attn", read, ("qkv",))
    if hasattr(layer, "attention"):
        _set_attention(layer.attention, "encoder_attn", read, ("q", "kv"))
    _set(layer.ffn.linear_0, "fc1", read)
    _set(layer.ffn.linear_1, "fc2", read)
    _set_norm(layer.ffn.layer_norm, "final_layer_norm", read)


def _set_attention(part: Any, name: str, read: Read, joined: tuple[str, ...]) -> None:  # noqa: ANN401 - as above
    """``joined``: which of the projections of queries, keys and values are one matrix."""
    *inner, outer = part.linear
    for linear, letters in zip(inner, joined, strict=True):
        linear.weight = np.concatenate([read(f"{name}.{each}_proj.weight") for each in letters])
        linear.bias = np.concatenate([read(f"{name}.{each}_proj.bias") for each in letters])
    _set(outer, f"{name}.out_proj", read)
    _set_norm(part.layer_norm, f"{name}_layer_norm", read)


def _set(part: Any, name: str, read: Read) -> None:  # noqa: ANN401 - as above
    part.weight, part.bias = read(f"{name}.weight"), read(f"{name}.bias")


def _set_norm(part: Any, name: str, read: Read) -> None:  # noqa: ANN401 - as above
    part.gamma, part.beta = read(f"{name}.weight"), read(f"{name}.bias")
