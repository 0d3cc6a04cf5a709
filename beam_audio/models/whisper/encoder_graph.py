"""The graph of Whisper's encoder; its shapes are those in ``beam_audio.models.whisper.export``.

Its attention is one operator, ``MultiHeadAttention``, whose kernels never hold the scores of all
positions, on CPUs and on GPUs. Those kernels take nothing to add to the scores. So ``log_members``
comes in by a channel more of queries and keys: it is 1 in every query, and the position's
``log_members`` in a key, so that their product adds that to the score.

In ``int8`` the attention stays in steps: another last bit of a float becomes another integer in the
next layer, and texts made before would differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.models.whisper.position_groups import group_embeddings
from beam_audio.models.whisper.transformer import MICROSOFT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers

_CHANNELS: Final = 8  # one is used; the fast kernels of a GPU take sizes that are multiples of 8

_CONVOLUTIONS: Final = (("encoder.conv1", 1), ("encoder.conv2", 2))


def write_encoder(layers: Layers, config: WhisperConfig) -> None:
    """Convolutions, position embeddings, the layers, and the decoder's keys and values."""
    graph, sizes = layers.graph, config.dimensions
    log_mel = graph.input("log_mel", "float", ("b", sizes.mel_bands, "frames"))
    source = graph.input("source", "int64", ("b", "n"))
    place = graph.input("place", "int64", ("b", "n"))
    x = _positions(layers, log_mel, source, place)
    heads = sizes.encoder_heads
    in_steps = layers.precision == "int8"
    attend = _attend_in_steps if in_steps else _attend
    mask = attention_mask(layers) if in_steps else _score_channels(layers, heads)
    norms = [f"encoder.{layer}.attention.norm" for layer in range(sizes.encoder_layers)]
    normed = layers.norm(x, norms[0])
    for layer, following in enumerate([*norms[1:], "encoder.norm"]):
        name = f"encoder.{layer}"
        attended = attend(layers, heads, normed, f"{name}.attention", mask)
        x, normed = layers.add_and_norm(x, *attended, f"{name}.mlp.norm")
        x, normed = layers.add_and_norm(x, *layers.mlp(normed, f"{name}.mlp"), following)
    for layer in range(sizes.decoder_layers):
        _write_cross(layers, sizes.decoder_heads, normed, layer)
    for name, shape in cross_shapes(layers, config).items():
        graph.output(name, layers.kind, ("b", *shape))


def cross_shapes(layers: Layers, config: WhisperConfig) -> dict[str, tuple[int | str, ...]]:
    """Shapes of what the encoder computes for the decoder, after the rows: positions are ``n``."""
    sizes = config.dimensions
    heads, size = sizes.decoder_heads, sizes.width // sizes.decoder_heads
    shapes: dict[str, tuple[int | str, ...]] = {}
    for layer in range(sizes.decoder_layers):
        shapes[f"cross_key_{layer}"] = (heads, size, "n")
        swapped = has_swapped_values(layers)
        shapes[f"cross_value_{layer}"] = (heads, size, "n") if swapped else (heads, "n", size)
    return shapes


def has_swapped_values(layers: Layers) -> bool:
    """Whether the audio's values have their last two axes swapped, as its keys have.

    A GPU, for which graphs in float16 are, mixes them for a token in half the time then.
    """
    return layers.kind == "float16"


def _positions(layers: Layers, log_mel: str, source: str, place: str) -> str:
    """The convolutions' outputs at ``source``, with the embeddings at ``place`` (b, n, width)."""
    graph = layers.graph
    x = _convolved(layers, log_mel) if layers.kind == "float" else _multiplied(layers, log_mel)
    rows = graph.node("Unsqueeze", source, graph.integers(-1))
    x = graph.node("GatherND", x, rows, batch_dims=1)
    means = layers.array(
        "encoder.position_groups", group_embeddings(layers.weights["encoder.positions"].read())
    )
    return graph.node("Add", x, graph.node("Gather", means, place, axis=0))


def _convolved(layers: Layers, log_mel: str) -> str:
    """The outputs of both convolutions (b, frames / 2, width)."""
    graph, x = layers.graph, log_mel
    for name, stride in _CONVOLUTIONS:
        weight, bias = layers.constant(f"{name}.weight"), layers.constant(f"{name}.bias")
        x = graph.node("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = graph.node("Gelu", x)
    return graph.node("Transpose", x, perm=[0, 2, 1])


def _multiplied(layers: Layers, log_mel: str) -> str:
    """The same as products of three neighbouring frames, side by side, with a matrix.

    On a GPU a convolution is planned anew for all sizes that are new to it, the number of clips
    included. A product is not.
    """
    graph, far = layers.graph, np.iinfo(np.int64).max
    x = graph.node("Transpose", graph.cast(log_mel, layers.kind), perm=[0, 2, 1])
    for name, stride in _CONVOLUTIONS:
        x = graph.node("Pad", x, graph.integers(0, 1, 0, 0, 1, 0))
        step, axis = graph.integers(stride), graph.integers(1)
        taps = [
            graph.node("Slice", x, graph.integers(tap), graph.integers(stop), axis, step)
            for tap, stop in ((0, -2), (1, -1), (2, far))
        ]
        frames = graph.node("Concat", *taps, axis=2)
        weight, bias = layers.parameters(name)
        by_tap = weight.transpose(0, 2, 1).reshape(len(weight), -1)
        product = layers.multiply(frames, f"{name}.weight", by_tap)
        x = graph.node("Gelu", graph.node("Add", product, layers.array(f"{name}.bias", bias)))
    return x


def _log_members(layers: Layers) -> str:
    log_members = layers.graph.input("log_members", "float", ("b", "n"))
    return log_members if layers.kind == "float" else layers.graph.cast(log_members, layers.kind)


def attention_mask(layers: Layers) -> str:
    """The addend of every score of an audio position, (b, 1, 1, n)."""
    return layers.graph.node("Unsqueeze", _log_members(layers), layers.graph.integers(1, 2))


def _score_channels(layers: Layers, heads: int) -> str:
    """What is added to the key of a position in every head, (b, n, 1, size + channels)."""
    size = layers.width // heads
    channel = np.zeros(size + _CHANNELS, np.float32)
    channel[size] = 1
    members = layers.graph.node("Unsqueeze", _log_members(layers), layers.graph.integers(2, 3))
    return layers.graph.node("Mul", members, layers.array("encoder.score_channel", channel))


def _attend(layers: Layers, heads: int, x: str, name: str, mask: str) -> tuple[str, str]:
    """Attention of all positions to all, by one operator: product and bias (b, n, width)."""
    graph, size = layers.graph, layers.width // heads
    weight, bias = layers.parameters(f"{name}.qkv")
    weight[: layers.width] *= np.float32(size**-0.5)
    bias[: layers.width] *= np.float32(size**-0.5)
    query_weight, key_weight, value_weight = weight.reshape(3, heads, size, -1)
    query_bias, _, value_bias = bias.reshape(3, heads, size)
    query_bias = _widened(query_bias)
    query_bias[:, size] = 1
    query = layers.multiply(x, f"{name}.query.weight", _rows(_widened(query_weight)))
    query = graph.node("Add", query, layers.array(f"{name}.query.bias", query_bias.reshape(-1)))
    # A bias of the keys would add the same number to all scores of a query: it changes nothing.
    key = layers.multiply(x, f"{name}.key.weight", _rows(_widened(key_weight)))
    key = graph.node("Reshape", key, graph.integers(0, -1, heads, size + _CHANNELS))
    key = graph.node("Reshape", graph.node("Add", key, mask), graph.integers(0, 0, -1))
    out_weight, out_bias = layers.parameters(f"{name}.out")
    # The weights of a softmax have the sum 1: a bias of the values is the same for all positions.
    out_bias += out_weight @ value_bias.reshape(-1)
    # On a GPU, values must have the size of keys: the fastest kernel in float16 takes no others,
    # and the one for float32 gives wrong sums if keys have more than 64 channels and values 64.
    out_weight = _rows(_widened(out_weight.T.reshape(heads, size, -1))).T
    value = layers.multiply(x, f"{name}.value.weight", _rows(_widened(value_weight)))
    mixed = graph.node(
        "MultiHeadAttention", query, key, value, domain=MICROSOFT, num_heads=heads, scale=1.0
    )
    product = layers.multiply(mixed, f"{name}.out.weight", out_weight)
    return product, layers.array(f"{name}.out.bias", out_bias)


def _attend_in_steps(layers: Layers, heads: int, x: str, name: str, mask: str) -> tuple[str, str]:
    """The same with the scores of all positions (b, h, n, n) between two products."""
    scale = (layers.width // heads) ** -0.5
    qkv = layers.linear(x, f"{name}.qkv", slice(layers.width), scale)
    query, key, value = layers.split(qkv, "qkv")
    scores = layers.graph.node(
        "MatMul", layers.heads(query, heads), layers.heads(key, heads, swapped=True)
    )
    mixed = layers.attend(scores, layers.heads(value, heads), mask)
    return layers.projected(mixed, f"{name}.out")


def _write_cross(layers: Layers, heads: int, x: str, layer: int) -> None:
    """Keys and values of a decoder layer; as above, keys need no bias."""
    name = f"decoder.{layer}.cross"
    weight, bias = layers.parameters(f"{name}.kv")
    key = layers.multiply(x, f"{name}.key.weight", weight[: layers.width])
    value = layers.multiply(x, f"{name}.value.weight", weight[layers.width :])
    value_bias = layers.array(f"{name}.value.bias", bias[layers.width :])
    layers.heads(key, heads, swapped=True, to=f"cross_key_{layer}")
    value, swapped = layers.graph.node("Add", value, value_bias), has_swapped_values(layers)
    layers.heads(value, heads, swapped=swapped, to=f"cross_value_{layer}")


def _widened(by_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Outputs of heads (heads, size, ...) with channels of zeros after those of each head."""
    return np.pad(by_head, [(0, 0), (0, _CHANNELS), *[(0, 0)] * (by_head.ndim - 2)])


def _rows(by_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of heads (heads, size, in) as one matrix."""
    return by_head.reshape(-1, by_head.shape[-1])
