from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import ONE_CPU, export_random

from beam_audio.asr.device_values import Device
from beam_audio.asr.whisper.batches import Batches, EncodedClips, filled
from beam_audio.asr.whisper.encoder import HIDDEN

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.models.whisper.config import WhisperConfig

SHAPE = Shape(width=16)
POSITIONS = (40, 60, 30, 50, 20)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WhisperConfig]:
    folder = tmp_path_factory.mktemp("random")
    return folder, export_random(SHAPE, random_weights(SHAPE), folder)


def load(model: tuple[Path, WhisperConfig], *, fixed: bool) -> Batches:
    folder, config = model
    device = Device("CPUExecutionProvider")
    device.captures = fixed
    return Batches(folder, config.dimensions, device, ONE_CPU)


def encoded() -> tuple[EncodedClips, dict[str, NDArray[np.float32]]]:
    """Five clips with random audio, and that audio."""
    rng, device, longest = np.random.default_rng(3), Device("CPUExecutionProvider"), max(POSITIONS)
    shapes = {f"cross_key_{layer}": (2, 8, longest) for layer in range(2)}
    shapes |= {f"cross_value_{layer}": (2, longest, 8) for layer in range(2)}
    arrays = {
        name: rng.normal(size=(5, *shape)).astype(np.float32)
        for name, shape in ({"log_members": (longest,)} | shapes).items()
    }
    values = {name: device.put(array) for name, array in arrays.items()}
    return EncodedClips((4, 6, 3, 5, 2), POSITIONS, values), arrays


def test_a_cpu_has_batches_of_any_size(model: tuple[Path, WhisperConfig]) -> None:
    batches, (clips, arrays) = load(model, fixed=False), encoded()
    assert batches.place(clips) is clips
    assert clips.size == 5
    assert not batches.is_smaller(clips, np.arange(5))
    assert batches.is_smaller(clips, np.arange(4))
    kept, _ = batches.keep(clips, batches.blank(clips, 1), np.array([4, 2, 0]))
    assert (kept.size, kept.frames, kept.positions) == (3, (2, 3, 4), (20, 30, 40))
    key = kept.audio["cross_key_1"].numpy()
    np.testing.assert_array_equal(key, arrays["cross_key_1"][[4, 2, 0], :, :, :40])


def test_a_device_has_batches_of_few_sizes(model: tuple[Path, WhisperConfig]) -> None:
    batches, (clips, arrays) = load(model, fixed=True), encoded()
    placed = batches.place(clips)
    assert (placed.size, placed.rows, placed.frames) == (8, 5, clips.frames)
    value = placed.audio["cross_value_0"].numpy()
    assert value.shape == (8, 2, 500, 8)
    np.testing.assert_array_equal(value[:5, :, :60], arrays["cross_value_0"])
    weights = placed.audio["log_members"].numpy()
    np.testing.assert_array_equal(weights[:5, :60], arrays["log_members"])
    assert (weights[:, 60:] == HIDDEN).all()
    assert not batches.is_smaller(placed, np.array([2, 1, 0, 3, 4]))
    kept, buffers = batches.keep(placed, batches.blank(placed, 1), np.array([4, 2]))
    assert (kept.size, kept.frames) == (2, (2, 3))
    np.testing.assert_array_equal(
        kept.audio["cross_value_0"].numpy()[:, :, :60], arrays["cross_value_0"][[4, 2]]
    )
    assert buffers["query"].shape() == [2, 2, 448, 8]
    again = batches.place(clips).audio["cross_value_0"]
    assert again.data_ptr() == placed.audio["cross_value_0"].data_ptr()


def test_buffers_double_when_they_are_full(model: tuple[Path, WhisperConfig]) -> None:
    batches, (clips, _) = load(model, fixed=False), encoded()
    buffers = batches.blank(clips, 5)
    assert batches.grown(buffers, 63) is buffers
    buffers["key_0"].numpy()[:] = 7
    larger = batches.grown(buffers, 64)
    assert {value.shape()[2] for value in larger.values()} == {128}
    assert (larger["key_0"].numpy()[:, :, :64] == 7).all()
    assert (larger["key_0"].numpy()[:, :, 64:] == 0).all()
    largest = batches.grown(batches.grown(larger, 128), 256)
    assert {value.shape()[2] for value in largest.values()} == {448}


def test_a_long_prompt_has_room_at_once(model: tuple[Path, WhisperConfig]) -> None:
    batches, (clips, _) = load(model, fixed=False), encoded()
    assert batches.blank(clips, 228)["key_1"].shape() == [5, 2, 256, 8]


def test_the_first_row_fills_a_batch_up() -> None:
    assert filled(np.array([[1, 2], [3, 4]]), 4).tolist() == [[1, 2], [3, 4], [1, 2], [1, 2]]
