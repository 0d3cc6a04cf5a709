"""A Whisper of any size with random weights, which says the same 64 tokens whatever it hears.

How fast a network is depends on its sizes and not on its weights, but also on the number of tokens
that it writes: purely random weights would write until they are stopped, and every safeguard would
have them try again. Here the decoder's positions outweigh everything else that reaches its last
layer. Each is the embedding of the token that comes next.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from repeated_noise import RepeatedNoise
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Half = np.float16
TOKENS: Final = 64
_PROMPT_TOKENS: Final = 2  # of an English model: the start, and no timestamps
_WORDS: Final = (
    " The old lighthouse keeper walked slowly along the shore every evening, counting small boats "
    "as they came home with silver fish, while children ran between wooden houses and sang about "
    "distant islands, bright winter stars, and seven friendly whales that once carried messages "
    "from one harbour to another before the first telegraph line reached this quiet and windy "
    "northern coast"
)
PROMPT: Final = _WORDS.partition(" before the first")[0]
"""Stands for the tokens that are said first, which are then not said."""
_POSITION_SIZE: Final = 16.0
_SURE_LOGIT: Final = 25.0
_WEIGHT_SIZE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes of a network."""

    encoder_layers: int
    decoder_layers: int
    width: int
    heads: int
    mel_bands: int = 128
    audio_positions: int = 1500
    text_positions: int = 448


LARGE_V3_TURBO: Final = Size(encoder_layers=32, decoder_layers=4, width=1280, heads=20)
SMALL: Final = Size(encoder_layers=2, decoder_layers=2, width=64, heads=2)


def write_sized_whisper(target: Path, size: Size, tokenizer: Path) -> None:
    """Write a folder that transformers and ``--model`` load, in float16.

    Args:
        target: The folder, which is made.
        size: Sizes of the network.
        tokenizer: The ``tokenizer.json`` of an English Whisper.
    """
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tokenizer, target / "tokenizer.json")
    words = Tokenizer.from_file(str(tokenizer))
    ids = words.get_vocab(with_added_tokens=True)
    special = {name: ids[f"<|{name}|>"] for name in _SPECIAL}
    tokens = words.encode(_WORDS, add_special_tokens=False).ids[:TOKENS]
    if len(tokens) < TOKENS:
        raise ValueError(f"the sentence has {len(tokens)} tokens and not {TOKENS}")
    vocabulary = len(ids) + _TIMESTAMPS
    weights = _weights(size, vocabulary, [*tokens, special["endoftext"]])
    _write_safetensors(target / "model.safetensors", weights)
    for file, content in _settings(size, vocabulary, special).items():
        (target / file).write_text(json.dumps(content), "utf-8")


_SPECIAL: Final = ("startoftranscript", "endoftext", "startofprev", "notimestamps")
_TIMESTAMPS: Final = 1501


def _weights(
    size: Size, vocabulary: int, said: list[int]
) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """Weights by transformers' names."""
    width = size.width
    normal = RepeatedNoise(vocabulary * width, _WEIGHT_SIZE, Half)

    def linear(name: str, outputs: int, inputs: int, *, bias: bool = True) -> Any:  # noqa: ANN401 - pairs
        yield f"{name}.weight", normal(outputs, inputs)
        if bias:
            yield f"{name}.bias", np.zeros(outputs, Half)

    def norm(name: str) -> Any:  # noqa: ANN401 - pairs
        yield f"{name}.weight", np.ones(width, Half)
        yield f"{name}.bias", np.zeros(width, Half)

    def attention(name: str) -> Any:  # noqa: ANN401 - pairs
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from linear(f"{name}.{part}", width, width, bias=part != "k_proj")
        yield from norm(f"{name}_layer_norm")

    yield "model.encoder.conv1.weight", normal(width, size.mel_bands, 3)
    yield "model.encoder.conv1.bias", np.zeros(width, Half)
    yield "model.encoder.conv2.weight", normal(width, width, 3)
    yield "model.encoder.conv2.bias", np.zeros(width, Half)
    yield "model.encoder.embed_positions.weight", normal(size.audio_positions, width)
    embeddings = normal(vocabulary, width) * Half(_SURE_LOGIT / width / _WEIGHT_SIZE)
    yield "model.decoder.embed_tokens.weight", embeddings
    following = [said[0]] * (_PROMPT_TOKENS - 1) + said
    following += [said[-1]] * (size.text_positions - len(following))
    positions = embeddings[following].astype(np.float32)
    yield (
        "model.decoder.embed_positions.weight",
        (positions / positions.std(axis=1, keepdims=True) * _POSITION_SIZE).astype(Half),
    )
    for side, layers in (("encoder", size.encoder_layers), ("decoder", size.decoder_layers)):
        yield from norm(f"model.{side}.layer_norm")
        for layer in range(layers):
            name = f"model.{side}.layers.{layer}"
            yield from attention(f"{name}.self_attn")
            if side == "decoder":
                yield from attention(f"{name}.encoder_attn")
            yield from linear(f"{name}.fc1", 4 * width, width)
            yield from linear(f"{name}.fc2", width, 4 * width)
            yield from norm(f"{name}.final_layer_norm")


def _write_safetensors(path: Path, weights: Iterator[tuple[str, NDArray[np.float16]]]) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    arrays, place = [], 0
    for name, array in weights:
        places = [place, place := place + array.nbytes]
        header[name] = {"dtype": "F16", "shape": list(array.shape), "data_offsets": places}
        arrays.append(array)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays:
            file.write(array.data)


def _settings(size: Size, vocabulary: int, special: dict[str, int]) -> dict[str, dict[str, Any]]:
    """The other files, by their names."""
    ends = {
        "decoder_start_token_id": special["startoftranscript"],
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), special["endoftext"]),
    }
    config: dict[str, Any] = {
        "model_type": "whisper",
        "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": vocabulary,
        "num_mel_bins": size.mel_bands,
        "d_model": size.width,
        "max_source_positions": size.audio_positions,
        "max_target_positions": size.text_positions,
        "torch_dtype": "float16",
        **ends,
    }
    for side, layers in (("encoder", size.encoder_layers), ("decoder", size.decoder_layers)):
        config |= {
            f"{side}_layers": layers,
            f"{side}_attention_heads": size.heads,
            f"{side}_ffn_dim": 4 * size.width,
        }
    last = size.decoder_layers - 1
    generation = {
        **ends,
        "prev_sot_token_id": special["startofprev"],
        "no_timestamps_token_id": special["notimestamps"],
        "suppress_tokens": [],
        "begin_suppress_tokens": [],
        "alignment_heads": [[last, head] for head in range(min(6, size.heads))],
        "is_multilingual": False,
        "max_initial_timestamp_index": 50,
        "max_length": size.text_positions,
        "return_timestamps": False,
    }
    end = "<|endoftext|>"
    return {
        "config.json": config,
        "generation_config.json": generation,
        "tokenizer_config.json": {
            "tokenizer_class": "WhisperTokenizer",
            **dict.fromkeys(("eos_token", "pad_token", "unk_token", "bos_token"), end),
        },
        "preprocessor_config.json": {
            "feature_extractor_type": "WhisperFeatureExtractor",
            "feature_size": size.mel_bands,
            "sampling_rate": 16000,
            "hop_length": 160,
            "chunk_length": 30,
            "n_fft": 400,
            "n_samples": 480000,
            "nb_max_frames": 3000,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": False,
        },
    }
