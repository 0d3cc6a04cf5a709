"""A small Whisper of random weights: written in the published layouts, run by plain numpy.

The numpy network follows the paper and the shape of OpenAI's reference (whole sequences, no cache,
separate projections), so that it shares nothing with the exporter.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
Weights = dict[str, Array]

LARGE_V3_VOCABULARY = 51866
SUPPRESSED = (1, 2, 7)
SUPPRESSED_FIRST = (220, 50257)
START, END, NO_TIMESTAMPS = 50258, 50257, 50364
LANGUAGES = ("en", "zh", "de", *(f"q{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(97)))

_erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class Shape:
    """Sizes; the defaults are large-v3's with few and thin layers."""

    bands: int = 128
    width: int = 32
    heads: int = 2
    encoder_layers: int = 2
    decoder_layers: int = 2
    frames: int = 1500
    positions: int = 448
    vocabulary: int = LARGE_V3_VOCABULARY


def random_weights(shape: Shape, seed: int = 0) -> Weights:
    """Weights under the names Hugging Face gives them."""
    rng = np.random.default_rng(seed)
    width = shape.width

    def normal(*size: int) -> Array:
        return (rng.normal(size=size) / math.sqrt(size[-1])).astype(np.float32)

    def linear(name: str, outputs: int, inputs: int, *, bias: bool = True) -> Weights:
        weights = {f"{name}.weight": normal(outputs, inputs) * np.float32(1.5)}
        return weights | ({f"{name}.bias": normal(outputs)} if bias else {})

    def norm(name: str) -> Weights:
        return {f"{name}.weight": 1 + normal(width), f"{name}.bias": normal(width)}

    def attention(name: str) -> Weights:
        parts = [linear(f"{name}.{part}_proj", width, width, bias=part != "k") for part in "qkv"]
        merged = linear(f"{name}.out_proj", width, width)
        for part in parts:
            merged |= part
        return merged

    weights: Weights = {
        "model.encoder.conv1.weight": normal(width, shape.bands, 3),
        "model.encoder.conv1.bias": normal(width),
        "model.encoder.conv2.weight": normal(width, width, 3),
        "model.encoder.conv2.bias": normal(width),
        "model.encoder.embed_positions.weight": normal(shape.frames, width),
        "model.decoder.embed_positions.weight": normal(shape.positions, width),
        "model.decoder.embed_tokens.weight": normal(shape.vocabulary, width) * np.float32(3),
    }
    for side, layers in (("encoder", shape.encoder_layers), ("decoder", shape.decoder_layers)):
        weights |= norm(f"model.{side}.layer_norm")
        for layer in range(layers):
            name = f"model.{side}.layers.{layer}"
            weights |= attention(f"{name}.self_attn") | norm(f"{name}.self_attn_layer_norm")
            if side == "decoder":
                weights |= attention(f"{name}.encoder_attn")
                weights |= norm(f"{name}.encoder_attn_layer_norm")
            weights |= linear(f"{name}.fc1", 4 * width, width)
            weights |= linear(f"{name}.fc2", width, 4 * width)
            weights |= norm(f"{name}.final_layer_norm")
    return weights


def between(group: Doubles) -> Doubles:
    """Half-way from the mean of some rows to the middle one, as long as they are on average."""
    row = group.mean(axis=0) + group[len(group) // 2]
    return np.asarray(row * np.linalg.norm(group, axis=1).mean() / np.linalg.norm(row))


class NumpyWhisper:
    """The network in float64 numpy."""

    def __init__(self, weights: Weights, shape: Shape) -> None:
        self._weights = {name: array.astype(np.float64) for name, array in weights.items()}
        self._shape = shape
        self.scores: dict[str, Doubles] = {}
        """Scores (heads, queries, keys) of every attention of the last pass."""

    def encode(
        self, log_mel: Array, source: Sequence[int] | None = None, members: Sequence[int] = ()
    ) -> Doubles:
        """(bands, frames) to hidden states (positions, width).

        With ``source``, group i of ``members[i]`` neighbours takes the features of ``source[i]``,
        each member with the embedding made of the group's.
        """
        x = self._gelu(self._conv("model.encoder.conv1", log_mel.astype(np.float64), 1))
        x = self._gelu(self._conv("model.encoder.conv2", x, 2)).T
        positions = self._weights["model.encoder.embed_positions.weight"]
        if source is not None:
            starts = np.cumsum([0, *members])[:-1]
            groups = [positions[at : at + size] for at, size in zip(starts, members, strict=True)]
            rows = np.stack([between(group) for group in groups])
            x, positions = np.repeat(x[list(source)], members, 0), np.repeat(rows, members, 0)
        x = x + positions
        for layer in range(self._shape.encoder_layers):
            name = f"model.encoder.layers.{layer}"
            normed = self._norm(f"{name}.self_attn_layer_norm", x)
            x = x + self._attention(f"{name}.self_attn", normed, normed)
            x = x + self._mlp(name, x)
        return self._norm("model.encoder.layer_norm", x)

    def cross(self, hidden: Doubles) -> dict[str, Doubles]:
        """Keys (heads, size, positions) and values (heads, positions, size) of decoder layers."""
        found = {}
        for layer in range(self._shape.decoder_layers):
            for part, name, axes in (("k", "key", (1, 2, 0)), ("v", "value", (1, 0, 2))):
                projection = f"model.decoder.layers.{layer}.encoder_attn.{part}_proj"
                rows = self._linear(projection, hidden)
                split = rows.reshape(len(hidden), self._shape.heads, -1)
                found[f"cross_{name}_{layer}"] = split.transpose(axes)
        return found

    def logits(self, tokens: list[int], hidden: Doubles) -> Doubles:
        """Logits (tokens, vocabulary) of a whole sequence."""
        embedding = self._weights["model.decoder.embed_tokens.weight"]
        x = embedding[tokens] + self._weights["model.decoder.embed_positions.weight"][: len(tokens)]
        later = np.triu(np.full((len(tokens), len(tokens)), -np.inf), 1)
        for layer in range(self._shape.decoder_layers):
            name = f"model.decoder.layers.{layer}"
            normed = self._norm(f"{name}.self_attn_layer_norm", x)
            x = x + self._attention(f"{name}.self_attn", normed, normed, later)
            normed = self._norm(f"{name}.encoder_attn_layer_norm", x)
            x = x + self._attention(f"{name}.encoder_attn", normed, hidden)
            x = x + self._mlp(name, x)
        logits: Doubles = self._norm("model.decoder.layer_norm", x) @ embedding.T
        return logits

    def _conv(self, name: str, x: Doubles, stride: int) -> Doubles:
        kernel, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        padded = np.pad(x, ((0, 0), (1, 1)))
        count = (x.shape[1] - 1) // stride + 1
        taps = (padded[:, tap : tap + stride * count : stride][:, :count] for tap in range(3))
        products = [kernel[:, :, tap] @ part for tap, part in enumerate(taps)]
        return np.asarray(np.sum(products, axis=0) + bias[:, None])

    def _linear(self, name: str, x: Doubles) -> Doubles:
        product: Doubles = x @ self._weights[f"{name}.weight"].T
        return (
            product + self._weights[f"{name}.bias"] if f"{name}.bias" in self._weights else product
        )

    def _norm(self, name: str, x: Doubles) -> Doubles:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"])

    def _mlp(self, name: str, x: Doubles) -> Doubles:
        hidden = self._linear(f"{name}.fc1", self._norm(f"{name}.final_layer_norm", x))
        return self._linear(f"{name}.fc2", self._gelu(hidden))

    def _attention(
        self, name: str, x: Doubles, other: Doubles, mask: Doubles | float = 0.0
    ) -> Doubles:
        heads, size = self._shape.heads, self._shape.width // self._shape.heads
        query = self._linear(f"{name}.q_proj", x).reshape(-1, heads, size)
        key, value = (
            self._linear(f"{name}.{part}_proj", other).reshape(-1, heads, size) for part in "kv"
        )
        self.scores[name] = np.einsum("qhd,khd->hqk", query, key) / math.sqrt(size)
        scores = self.scores[name] + mask
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", powers / powers.sum(-1, keepdims=True), value)
        return self._linear(f"{name}.out_proj", mixed.reshape(len(x), -1))

    @staticmethod
    def _gelu(x: Doubles) -> Doubles:
        result: Doubles = x * 0.5 * (1.0 + _erf(x / math.sqrt(2.0)))
        return result


def write_tokenizer(path: Path) -> None:
    """A tokenizer with large-v3's special tokens and a vocabulary of numbered words."""
    tokenizer = Tokenizer(WordLevel({f"w{word}": word for word in range(END)}, unk_token="w0"))  # noqa: S106 (no secret)
    tokenizer.pre_tokenizer = WhitespaceSplit()
    names = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm"]
    names += ["startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens([f"<|{name}|>" for name in names])
    tokenizer.save(str(path))


def write_huggingface(
    directory: Path, weights: Weights, shape: Shape, *, dtype: str = "F32", shards: int = 1
) -> None:
    """A Hugging Face directory; above one shard with an index."""
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "whisper",
        "encoder_attention_heads": shape.heads,
        "decoder_attention_heads": shape.heads,
    }
    generation = {
        "suppress_tokens": list(SUPPRESSED),
        "begin_suppress_tokens": list(SUPPRESSED_FIRST),
        "alignment_heads": [[0, 1], [shape.decoder_layers - 1, 0]],
    }
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "generation_config.json").write_text(json.dumps(generation))
    write_tokenizer(directory / "tokenizer.json")
    names = sorted(weights)
    if shards == 1:
        write_safetensors(directory / "model.safetensors", weights, dtype)
        return
    files = {name: f"model-{index % shards + 1:05}.safetensors" for index, name in enumerate(names)}
    for file in set(files.values()):
        part = {name: weights[name] for name in names if files[name] == file}
        write_safetensors(directory / file, part, dtype)
    index = {"metadata": {}, "weight_map": files}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


def write_safetensors(path: Path, arrays: Weights, dtype: str = "F32") -> None:
    """One safetensors file."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = bytearray()
    for name, array in arrays.items():
        content = _encoded(array, dtype)
        offsets = [len(body), len(body) + len(content)]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        body += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(body))


def _encoded(array: Array, dtype: str) -> bytes:
    if dtype == "BF16":
        return bytes((array.view(np.uint32) >> 16).astype("<u2"))
    return bytes(array.astype({"F32": "<f4", "F16": "<f2"}[dtype]))


def write_ctranslate2(
    directory: Path, weights: Weights, shape: Shape, quantization: str | None = None
) -> None:
    """A CTranslate2 directory, written by ctranslate2 itself."""
    from ctranslate2.specs import WhisperSpec  # noqa: PLC0415 (needed by few tests)

    spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)

    def linear(target: Any, *names: str) -> None:  # noqa: ANN401 (ctranslate2 has no types)
        matrices = [weights[f"{name}.weight"] for name in names]
        nothing = np.zeros(shape.width, np.float32)
        target.weight = np.concatenate(matrices)
        target.bias = np.concatenate([weights.get(f"{name}.bias", nothing) for name in names])

    def norm(target: Any, name: str) -> None:  # noqa: ANN401 (ctranslate2 has no types)
        target.gamma, target.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def block(target: Any, name: str) -> None:  # noqa: ANN401 (ctranslate2 has no types)
        attention = target.self_attention
        norm(attention.layer_norm, f"{name}.self_attn_layer_norm")
        linear(attention.linear[0], *(f"{name}.self_attn.{part}_proj" for part in "qkv"))
        linear(attention.linear[1], f"{name}.self_attn.out_proj")
        norm(target.ffn.layer_norm, f"{name}.final_layer_norm")
        linear(target.ffn.linear_0, f"{name}.fc1")
        linear(target.ffn.linear_1, f"{name}.fc2")

    for conv, name in ((spec.encoder.conv1, "conv1"), (spec.encoder.conv2, "conv2")):
        conv.weight = weights[f"model.encoder.{name}.weight"]
        conv.bias = weights[f"model.encoder.{name}.bias"]
    for side, part in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        part.position_encodings.encodings = weights[f"model.{side}.embed_positions.weight"]
        norm(part.layer_norm, f"model.{side}.layer_norm")
        for layer, target in enumerate(part.layer):
            block(target, f"model.{side}.layers.{layer}")
    for layer, target in enumerate(spec.decoder.layer):
        name = f"model.decoder.layers.{layer}.encoder_attn"
        norm(target.attention.layer_norm, f"{name}_layer_norm")
        linear(target.attention.linear[0], f"{name}.q_proj")
        linear(target.attention.linear[1], f"{name}.k_proj", f"{name}.v_proj")
        linear(target.attention.linear[2], f"{name}.out_proj")
    spec.decoder.embeddings.weight = weights["model.decoder.embed_tokens.weight"]
    spec.decoder.projection.weight = weights["model.decoder.embed_tokens.weight"]
    spec.config.suppress_ids = list(SUPPRESSED)
    spec.config.suppress_ids_begin = list(SUPPRESSED_FIRST)
    spec.config.alignment_heads = [[0, 1], [shape.decoder_layers - 1, 0]]
    directory.mkdir(parents=True, exist_ok=True)
    write_tokenizer(directory / "tokenizer.json")
    spec.register_vocabulary([f"w{token}" for token in range(shape.vocabulary)])
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(directory))
