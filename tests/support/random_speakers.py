"""Checkpoints of the networks for speakers with random weights, in the sizes of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Weights = dict[str, NDArray[np.float32]]
    Shapes = Iterator[tuple[str, tuple[int, ...]]]


def campplus_weights(seed: int = 0) -> Weights:
    """Weights of CAM++ with 192 numbers, by the names of 3D-Speaker."""
    return _random(seed, dict(_campplus_shapes()))


def segmentation_weights(seed: int = 0) -> Weights:
    """Weights of pyannote segmentation 3.0."""
    weights = _random(seed, dict(_segmentation_shapes()))
    bank = "sincnet.conv1d.0.filterbank"
    weights[f"{bank}.low_hz_"] = np.linspace(30, 7000, 40, dtype=np.float32)[:, np.newaxis]
    weights[f"{bank}.band_hz_"] = np.full((40, 1), 100, np.float32)
    weights[f"{bank}.n_"] = radians()
    weights[f"{bank}.window_"] = np.hamming(251)[:125].astype(np.float32)
    return weights


def radians() -> NDArray[np.float32]:
    """2πt of the 125 samples left of the middle."""
    return (2 * np.pi * np.arange(-125, 0) / 16_000).astype(np.float32)[np.newaxis]


def _random(seed: int, shapes: dict[str, tuple[int, ...]]) -> Weights:
    generator = np.random.default_rng(seed)

    def weight(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if len(shape) == 1:  # scales and deviations above 0, biases and means around it
            is_scale = name.endswith(("weight", "running_var"))
            numbers = (
                generator.uniform(0.5, 1.5, shape) if is_scale else generator.normal(size=shape)
            )
        else:
            numbers = generator.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape)
        return numbers.astype(np.float32)

    return {name: weight(name, shape) for name, shape in shapes.items()}


def _norm(part: str, channels: int) -> Shapes:
    for name in ("weight", "bias", "running_mean", "running_var"):
        yield f"{part}.{name}", (channels,)


def _campplus_shapes() -> Shapes:
    yield "head.conv1.weight", (32, 1, 3, 3)
    yield "head.conv2.weight", (32, 32, 3, 3)
    yield from _norm("head.bn1", 32)
    yield from _norm("head.bn2", 32)
    for part in ("layer1.0", "layer1.1", "layer2.0", "layer2.1"):
        for number in (1, 2):
            yield f"head.{part}.conv{number}.weight", (32, 32, 3, 3)
            yield from _norm(f"head.{part}.bn{number}", 32)
        if part.endswith("0"):
            yield f"head.{part}.shortcut.0.weight", (32, 32, 1, 1)
            yield from _norm(f"head.{part}.shortcut.1", 32)
    yield "xvector.tdnn.linear.weight", (128, 320, 5)
    yield from _norm("xvector.tdnn.nonlinear.batchnorm", 128)
    channels = 128
    for block, layers in enumerate((12, 24, 16), 1):
        for layer in range(1, layers + 1):
            yield from _dense(f"xvector.block{block}.tdnnd{layer}", channels)
            channels += 32
        yield from _norm(f"xvector.transit{block}.nonlinear.batchnorm", channels)
        yield f"xvector.transit{block}.linear.weight", (channels // 2, channels, 1)
        channels //= 2
    yield from _norm("xvector.out_nonlinear.batchnorm", channels)
    yield "xvector.dense.linear.weight", (192, 2 * channels, 1)
    yield "xvector.dense.nonlinear.batchnorm.running_mean", (192,)
    yield "xvector.dense.nonlinear.batchnorm.running_var", (192,)


def _dense(part: str, channels: int) -> Shapes:
    yield from _norm(f"{part}.nonlinear1.batchnorm", channels)
    yield f"{part}.linear1.weight", (128, channels, 1)
    yield from _norm(f"{part}.nonlinear2.batchnorm", 128)
    yield f"{part}.cam_layer.linear_local.weight", (32, 128, 3)
    yield f"{part}.cam_layer.linear1.weight", (64, 128, 1)
    yield f"{part}.cam_layer.linear1.bias", (64,)
    yield f"{part}.cam_layer.linear2.weight", (32, 64, 1)
    yield f"{part}.cam_layer.linear2.bias", (32,)


def _segmentation_shapes() -> Shapes:
    for layer, (given, made) in enumerate(((0, 80), (80, 60), (60, 60))):
        if given:
            yield f"sincnet.conv1d.{layer}.weight", (made, given, 5)
            yield f"sincnet.conv1d.{layer}.bias", (made,)
        yield f"sincnet.norm1d.{layer}.weight", (made,)
        yield f"sincnet.norm1d.{layer}.bias", (made,)
    yield "sincnet.wav_norm1d.weight", (1,)
    yield "sincnet.wav_norm1d.bias", (1,)
    for layer in range(4):
        for way in (f"l{layer}", f"l{layer}_reverse"):
            yield f"lstm.weight_ih_{way}", (512, 256 if layer else 60)
            yield f"lstm.weight_hh_{way}", (512, 128)
            yield f"lstm.bias_ih_{way}", (512,)
            yield f"lstm.bias_hh_{way}", (512,)
    for part, made, given in (
        ("linear.0", 128, 256),
        ("linear.1", 128, 128),
        ("classifier", 7, 128),
    ):
        yield f"{part}.weight", (made, given)
        yield f"{part}.bias", (made,)
