"""A Whisper with random weights, exported and loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.random_whisper import Shape, Weights, random_weights, write_huggingface

from beam_audio.asr.device_values import Device
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.whisper.decoder import Decoder
from beam_audio.asr.whisper.graphs import WhisperGraphs
from beam_audio.models.build import BuiltModel, build_whisper, read_built
from beam_audio.models.weight_files import WeightFiles
from beam_audio.models.whisper.checkpoint import read_huggingface_whisper
from beam_audio.models.whisper.export import export_whisper

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Precision


ONE_CPU = ModelOptions(provider="cpu", require_provider=True, threads=1)


def export_random(
    shape: Shape, weights: Weights, folder: Path, precision: Precision = "float32"
) -> WhisperConfig:
    """Write the graphs of a random model into ``folder``; returns its configuration."""
    source = folder / "source"
    write_huggingface(source, weights, shape)
    checkpoint = read_huggingface_whisper({path.name: path for path in source.iterdir()})
    export_whisper(checkpoint, folder, precision=precision)
    return checkpoint.config


def load_random(
    shape: Shape, weights: Weights, folder: Path, *, fixed: bool = False
) -> tuple[WhisperGraphs, WhisperConfig]:
    """The graphs of a random model, on one thread, and its configuration.

    Args:
        shape: Sizes.
        weights: Weights.
        folder: Where to write them.
        fixed: Whether batches have the fixed sizes and addresses that CUDA graphs need.
    """
    config = export_random(shape, weights, folder)
    graphs = WhisperGraphs(folder, config, ONE_CPU)
    if fixed:
        device = Device(graphs.provider)
        device.captures = True
        graphs.decoder = Decoder(folder, config, device, ONE_CPU)
    return graphs, config


def build_random(shape: Shape, folder: Path) -> BuiltModel:
    """A random model, built as by ``beam-audio models build``."""
    source = folder / "source"
    source.mkdir()
    write_huggingface(source, random_weights(shape), shape)
    build_whisper(
        "random",
        WeightFiles("huggingface", {path.name: path for path in source.iterdir()}, {}),
        precision="float32",
        padding="full",
        target=folder / "model",
    )
    return read_built(folder / "model")
