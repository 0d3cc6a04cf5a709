"""The graph of Whisper's features, for devices: a batch of clips at once, and nothing comes back.

ONNX Runtime has the operators for Fourier transforms on CPUs only. A frame of 400 samples spans
three blocks of one hop, so that its spectrum is one matrix product of those blocks, side by side,
with the windowed waves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.models.whisper.mel_filters import (
    DYNAMIC_RANGE,
    FFT_SAMPLES,
    HOP_SAMPLES,
    LEAST_POWER,
    fft_window,
    mel_filters,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Layers

BLOCKS_PER_FRAME = -(-FFT_SAMPLES // HOP_SAMPLES)


def write_log_mel(layers: Layers, config: WhisperConfig) -> None:
    """``samples`` (b, 160 (frames + 2)) to ``log_mel`` (b, bands, frames), all float32.

    A frame begins at each of the first ``frames`` blocks of 160 samples.
    """
    graph, bands = layers.graph, config.dimensions.mel_bands
    samples = graph.input("samples", "float", ("b", "s"))
    blocks = graph.node("Reshape", samples, graph.integers(0, -1, HOP_SAMPLES))
    shifted = [
        graph.node(
            "Slice",
            blocks,
            graph.integers(first),
            graph.integers(first - BLOCKS_PER_FRAME + 1 or np.iinfo(np.int64).max),
            graph.integers(1),
        )
        for first in range(BLOCKS_PER_FRAME)
    ]
    frames = graph.node("Concat", *shifted, axis=2)
    waves = graph.node("MatMul", frames, graph.weight("waves", _waves()))
    # A power is the sum of two squares, cosine's and sine's: the filters are there for each.
    filters = np.tile(mel_filters(bands).T, (2, 1))
    power = graph.node("MatMul", graph.node("Mul", waves, waves), graph.weight("filters", filters))
    logs = graph.node("Log", graph.node("Max", power, _number(layers, "least", LEAST_POWER)))
    decades = graph.node("Mul", logs, _number(layers, "per_decade", 1 / np.log(10)))
    loudest = graph.node("ReduceMax", decades, graph.integers(1, 2), keepdims=1)
    lowest = graph.node("Sub", loudest, _number(layers, "dynamic_range", DYNAMIC_RANGE))
    four = _number(layers, "four", 4.0)
    scaled = graph.node("Div", graph.node("Add", graph.node("Max", decades, lowest), four), four)
    graph.node("Transpose", scaled, to="log_mel", perm=[0, 2, 1])
    graph.output("log_mel", "float", ("b", bands, "frames"))


def _waves() -> NDArray[np.float32]:
    """Windowed cosines, then sines, (480, 402): the last 80 samples belong to no frame."""
    times, bins = np.arange(FFT_SAMPLES), np.arange(FFT_SAMPLES // 2 + 1)
    turns = 2 * np.pi * (np.outer(times, bins) % FFT_SAMPLES) / FFT_SAMPLES
    waves = np.concatenate((np.cos(turns), np.sin(turns)), axis=1) * fft_window()[:, None]
    missing = BLOCKS_PER_FRAME * HOP_SAMPLES - FFT_SAMPLES
    padded: NDArray[np.float32] = np.pad(waves, ((0, missing), (0, 0))).astype(np.float32)
    return padded


def _number(layers: Layers, name: str, value: float) -> str:
    return layers.graph.weight(name, np.array(value, np.float32))
