"""Whisper's features and encoder on a GPU: the CPU's keys and values, whatever shares a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from beam_audio.asr import ModelOptions
from beam_audio.asr.whisper.encoder import Encoder
from beam_audio.asr.whisper.padding import encoder_input
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.asr.whisper.padding import EncoderInput
    from beam_audio.models.card import Padding

pytestmark = [pytest.mark.gpu, pytest.mark.slow]

MODEL = "whisper-tiny.en"
HEAD_SIZE = 64


def encoder(precision: str, provider: str) -> Encoder:
    options = ModelOptions(provider=provider, require_provider=True)
    return Encoder(ensure_built(MODEL, precision).directory, options)


@pytest.fixture(scope="module")
def on_the_cpu() -> Encoder:
    return encoder("float32", "cpu")


def clips(padding: Padding) -> list[EncoderInput]:
    """Chirps in noise, of 1 to 30 seconds."""
    rng, found = np.random.default_rng(1), []
    for seconds in (1, 3, 8, 15, 30):
        time = np.arange(16_000 * seconds) / 16_000
        chirp = 0.3 * np.sin(2 * np.pi * (150 + 80 * time) * time)
        samples = (chirp + rng.normal(scale=0.01, size=len(time))).astype(np.float32)
        found.append(encoder_input(samples, 80, padding))
    return found


def positions_last(value: Any, row: int) -> NDArray[np.float64]:  # noqa: ANN401 (no types)
    """Keys or values of a clip, (heads, size, positions)."""
    array = value.numpy()[row].astype(np.float64)
    return array if array.shape[1] == HEAD_SIZE else array.swapaxes(1, 2)


def error(found: dict[str, Any], row: int, alone: dict[str, Any]) -> float:
    """Largest relative error (root of mean squares) of the keys and values of a clip."""
    errors = []
    for name in alone.keys() - {"log_members"}:
        expected, ours = positions_last(alone[name], 0), positions_last(found[name], row)
        cut = ours[..., : expected.shape[2]]
        errors.append(np.linalg.norm(cut - expected) / np.linalg.norm(expected))
    return float(max(errors))


@pytest.mark.parametrize("padding", ["full", "condensed"])
@pytest.mark.parametrize(("precision", "near"), [("float32", 1e-3), ("float16", 2e-2)])
def test_keys_and_values_are_the_cpus(
    on_the_cpu: Encoder, precision: str, near: float, padding: Padding
) -> None:
    inputs = clips(padding)
    on_the_gpu = encoder(precision, "cuda")
    together = on_the_gpu.encode(on_the_gpu.prepare(inputs))
    for row, clip in enumerate(inputs):
        assert error(together, row, on_the_cpu.encode(on_the_cpu.prepare([clip]))) < near


def test_a_clip_has_the_keys_and_values_it_has_alone() -> None:
    on_the_gpu, inputs = encoder("float16", "cuda"), clips("condensed")
    on_the_gpu.warm_up("condensed", 4)
    together = on_the_gpu.encode(on_the_gpu.prepare(inputs))
    for row, clip in enumerate(inputs):
        assert error(together, row, on_the_gpu.encode(on_the_gpu.prepare([clip]))) < 1e-2
