"""The graph of Whisper's encoder; its shapes are those in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.models.whisper.position_groups import group_embeddings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers

_CHANNELS: Final = 8
"""Channels added to queries and keys; kernels for GPUs take sizes that are multiples of 8 only."""


def write_encoder(layers: Layers, config: WhisperConfig) -> None:
    """Convolutions, position embeddings, the layers, and the decoder's keys and values."""
    graph, sizes = layers.graph, config.dimensions
    x = graph.input("log_mel", "float", ("b", sizes.mel_bands, "frames"))
    source = graph.input("source", "int64", ("b", "n"))
    place = graph.input("place", "int64", ("b", "n"))
    mask = _score_channels(layers, sizes.width // sizes.encoder_heads)
    if layers.kind != "float":
        x = graph.cast(x, layers.kind)
    for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
        weight, bias = layers.constant(f"{name}.weight"), layers.constant(f"{name}.bias")
        x = graph.node("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = graph.node("Gelu", x)
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    rows = graph.node("Unsqueeze", source, graph.integers(-1))
    x = graph.node("GatherND", x, rows, batch_dims=1)
    means = layers.array(
        "encoder.position_groups", group_embeddings(layers.weights["encoder.positions"].read())
    )
    places = graph.node("Gather", means, place, axis=0)
    x = graph.node("Add", x, places)
    for layer in range(sizes.encoder_layers):
        x = _encoder_layer(layers, config, x, layer, mask)
    x = layers.norm(x, "encoder.norm")
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    for layer in range(sizes.decoder_layers):
        key, value = layers.split(layers.linear(x, f"decoder.{layer}.cross.kv"), "kv")
        layers.heads(key, heads, swapped=True, to=f"cross_key_{layer}")
        layers.heads(value, heads, to=f"cross_value_{layer}")
        graph.output(f"cross_key_{layer}", layers.kind, ("b", heads, size, "n"))
        graph.output(f"cross_value_{layer}", layers.kind, ("b", heads, "n", size))


def _encoder_layer(layers: Layers, config: WhisperConfig, x: str, layer: int, mask: str) -> str:
    """The layer's output (b, n, width)."""
    name = f"encoder.{layer}"
    normed = layers.norm(x, f"{name}.attention.norm")
    mixed = _attention(layers, config.dimensions.encoder_heads, normed, f"{name}.attention", mask)
    return layers.mlp(layers.graph.node("Add", x, mixed), f"{name}.mlp")


def _attention(layers: Layers, heads: int, x: str, name: str, mask: str) -> str:
    """Attention of all positions to all (b, n, width), by one operator."""
    graph, size = layers.graph, layers.width // heads
    weight, bias = layers.parameters(f"{name}.qkv")
    weights, biases = weight.reshape(3, heads, size, -1), bias.reshape(3, heads, size)
    weights[0] *= np.float32(size**-0.5)
    biases[0] *= np.float32(size**-0.5)
    ones = _widened(biases[0], axis=1)
    ones[:, size] = 1
    query = _projected(layers, x, f"{name}.query", _widened(weights[0], axis=1), ones)
    # Keys have no bias: it would add the same number to all scores of a query.
    product = layers.multiply(x, f"{name}.key.weight", _rows(_widened(weights[1], axis=1)))
    key = graph.node("Reshape", product, graph.integers(0, -1, heads, size + _CHANNELS))
    key = graph.node("Reshape", graph.node("Add", key, mask), graph.integers(0, 0, -1))
    value_weight, value_bias = weights[2], biases[2]
    out_weight, out_bias = layers.parameters(f"{name}.out")
    if layers.kind == "float16":
        # The fastest kernel of a GPU takes values of the size of keys only.
        value_weight, value_bias = _widened(value_weight, axis=1), _widened(value_bias, axis=1)
        by_head = out_weight.reshape(-1, heads, size)
        out_weight = _widened(by_head, axis=2).reshape(layers.width, -1)
    value = _projected(layers, x, f"{name}.value", value_weight, value_bias)
    mixed = graph.node(
        "MultiHeadAttention", query, key, value, domain="com.microsoft", num_heads=heads, scale=1.0
    )
    return _projected(layers, mixed, f"{name}.out", out_weight, out_bias)


def _projected(
    layers: Layers, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]
) -> str:
    """``x`` times a weight (..., in) transposed, plus a bias (...), each of them flattened."""
    product = layers.multiply(x, f"{name}.weight", _rows(weight))
    return layers.graph.node("Add", product, layers.array(f"{name}.bias", bias.reshape(-1)))


def _rows(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    return weight.reshape(-1, weight.shape[-1])


def _widened(array: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """An array with channels of zeros after those that it has along an axis."""
    widths = [(0, _CHANNELS if place == axis else 0) for place in range(array.ndim)]
    return np.pad(array, widths)


def _score_channels(layers: Layers, size: int) -> str:
    """What is added to the key of every position and head, (b, n, 1, size + channels)."""
    members = layers.graph.node("Unsqueeze", _log_members(layers), layers.graph.integers(2, 3))
    channel = np.zeros(size + _CHANNELS, np.float32)
    channel[size] = 1
    return layers.graph.node("Mul", members, layers.array("encoder.score_channel", channel))


def _log_members(layers: Layers) -> str:
    log_members = layers.graph.input("log_members", "float", ("b", "n"))
    return log_members if layers.kind == "float" else layers.graph.cast(log_members, layers.kind)


def attention_mask(layers: Layers) -> str:
    """The addend of every score of an audio position, (b, 1, 1, n)."""
    return layers.graph.node("Unsqueeze", _log_members(layers), layers.graph.integers(1, 2))
