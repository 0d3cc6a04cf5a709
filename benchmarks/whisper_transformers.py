"""A card's Whisper as a directory that transformers loads: the same weights, and no hub."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from beam_audio.models.card import load_card
from beam_audio.models.weight_files import gather
from beam_audio.models.whisper.checkpoint import WhisperCheckpoint, read_ctranslate2_whisper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from beam_audio.models.weights import Tensor


def write_transformers(model: str, target: Path) -> None:
    """Write weights, configuration, tokenizer and feature extractor of a card into ``target``.

    Args:
        model: Name of a card whose weights are in CTranslate2's layout.
        target: An existing directory.
    """
    with tempfile.TemporaryDirectory() as name:
        files = gather(load_card(model), Path(name))
        checkpoint = read_ctranslate2_whisper(files)
        shutil.copyfile(files["tokenizer.json"], target / "tokenizer.json")
        network = WhisperForConditionalGeneration(network_config(checkpoint))
        state = {
            name: torch.from_numpy(values) for name, values in state_arrays(checkpoint.weights)
        }
        missing, unexpected = network.load_state_dict(state, strict=False)
    # The output projection is the token embedding, tied.
    if set(missing) - {"proj_out.weight"} or unexpected:
        raise SystemExit(f"{model} does not fit transformers: {missing=} {unexpected=}")
    network.tie_weights()
    network.generation_config = generation_config(checkpoint)
    network.save_pretrained(target)
    WhisperFeatureExtractor(feature_size=checkpoint.config.dimensions.mel_bands).save_pretrained(
        target
    )
    end = "<|endoftext|>"
    settings = {"tokenizer_class": "WhisperTokenizer", "eos_token": end, "pad_token": end}
    (target / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def network_config(checkpoint: WhisperCheckpoint) -> WhisperConfig:
    """Sizes of the network in transformers' words."""
    sizes, tokens = checkpoint.config.dimensions, checkpoint.config.tokens
    return WhisperConfig(
        vocab_size=sizes.vocabulary,
        num_mel_bins=sizes.mel_bands,
        d_model=sizes.width,
        encoder_layers=sizes.encoder_layers,
        encoder_attention_heads=sizes.encoder_heads,
        encoder_ffn_dim=checkpoint.weights["encoder.0.mlp.up.weight"].shape[0],
        decoder_layers=sizes.decoder_layers,
        decoder_attention_heads=sizes.decoder_heads,
        decoder_ffn_dim=checkpoint.weights["decoder.0.mlp.up.weight"].shape[0],
        max_source_positions=sizes.audio_positions,
        max_target_positions=sizes.text_positions,
        decoder_start_token_id=tokens.start,
        pad_token_id=tokens.end,
        bos_token_id=tokens.end,
        eos_token_id=tokens.end,
    )


def generation_config(checkpoint: WhisperCheckpoint) -> GenerationConfig:
    """What decoding needs to know: the special tokens, and those never produced."""
    config, tokens = checkpoint.config, checkpoint.config.tokens
    settings: dict[str, object] = {
        "decoder_start_token_id": tokens.start,
        "pad_token_id": tokens.end,
        "bos_token_id": tokens.end,
        "eos_token_id": tokens.end,
        "prev_sot_token_id": tokens.previous,
        "no_timestamps_token_id": tokens.no_timestamps,
        "suppress_tokens": list(tokens.suppress),
        "begin_suppress_tokens": list(tokens.suppress_first),
        "is_multilingual": config.multilingual,
        "max_initial_timestamp_index": 50,
        "max_length": config.dimensions.text_positions,
        "return_timestamps": False,
    }
    if config.multilingual:
        settings["lang_to_id"] = {f"<|{code}|>": token for code, token in tokens.languages.items()}
        settings["task_to_id"] = {
            "transcribe": tokens.transcribe,
            "translate": tokens.translate,
        }
    return GenerationConfig(**settings)


def state_arrays(weights: Mapping[str, Tensor]) -> list[tuple[str, NDArray[np.float32]]]:
    """Weights by transformers' names, from our neutral ones; stacked projections taken apart."""
    return [
        (f"model.{name}", np.ascontiguousarray(values))
        for neutral, tensor in weights.items()
        for name, values in _renamed(neutral, tensor.read())
    ]


_PLAIN = {
    "encoder.positions": "encoder.embed_positions.weight",
    "decoder.positions": "decoder.embed_positions.weight",
    "decoder.tokens": "decoder.embed_tokens.weight",
}
_PARTS = {
    "attention.norm": "self_attn_layer_norm",
    "attention.out": "self_attn.out_proj",
    "cross.norm": "encoder_attn_layer_norm",
    "cross.q": "encoder_attn.q_proj",
    "cross.out": "encoder_attn.out_proj",
    "mlp.norm": "final_layer_norm",
    "mlp.up": "fc1",
    "mlp.down": "fc2",
}
_STACKED = {
    "attention.qkv": [f"self_attn.{part}_proj" for part in "qkv"],
    "cross.kv": [f"encoder_attn.{part}_proj" for part in "kv"],
}


def _renamed(neutral: str, values: NDArray[np.float32]) -> list[tuple[str, NDArray[np.float32]]]:
    if neutral in _PLAIN:
        return [(_PLAIN[neutral], values)]
    path, _, kind = neutral.rpartition(".")
    side, _, rest = path.partition(".")
    layer, _, part = rest.partition(".")
    if not layer.isdigit():
        return [(f"{side}.{rest.replace('norm', 'layer_norm')}.{kind}", values)]
    where = f"{side}.layers.{layer}"
    if part not in _STACKED:
        return [(f"{where}.{_PARTS[part]}.{kind}", values)]
    names = [f"{where}.{name}.{kind}" for name in _STACKED[part]]
    # Whisper's keys have no bias: zeros are written in its place.
    return [
        (name, piece)
        for name, piece in zip(names, np.split(values, len(names)), strict=True)
        if not name.endswith("k_proj.bias")
    ]
