"""The graph of Whisper's encoder; its shapes are those in ``beam_audio.models.whisper.export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.models.whisper.position_groups import group_embeddings

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers


def write_encoder(layers: Layers, config: WhisperConfig) -> None:
    """Convolutions, position embeddings, the layers, and the decoder's keys and values."""
    graph, sizes = layers.graph, config.dimensions
    x = graph.input("log_mel", "float", ("b", sizes.mel_bands, "frames"))
    source = graph.input("source", "int64", ("b", "n"))
    place = graph.input("place", "int64", ("b", "n"))
    mask = attention_mask(layers)
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
    graph, width, heads = layers.graph, config.dimensions.width, config.dimensions.encoder_heads
    name, scale = f"encoder.{layer}.attention", (width // heads) ** -0.5
    normed = layers.norm(x, f"{name}.norm")
    query, key, value = layers.split(
        layers.linear(normed, f"{name}.qkv", slice(width), scale), "qkv"
    )
    scores = graph.node(
        "MatMul", layers.heads(query, heads), layers.heads(key, heads, swapped=True)
    )
    mixed = layers.attend(scores, layers.heads(value, heads), mask)
    x = graph.node("Add", x, layers.linear(mixed, f"{name}.out"))
    return layers.mlp(x, f"encoder.{layer}.mlp")


def attention_mask(layers: Layers) -> str:
    """The addend of every score of an audio position, (b, 1, 1, n)."""
    log_members = layers.graph.input("log_members", "float", ("b", "n"))
    mask = layers.graph.node("Unsqueeze", log_members, layers.graph.integers(1, 2))
    return mask if layers.kind == "float" else layers.graph.cast(mask, layers.kind)
