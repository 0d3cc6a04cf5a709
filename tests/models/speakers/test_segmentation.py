"""The graph of the segmentation on random weights; see tests/integration/test_networks_got.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_speakers import radians, segmentation_weights
from support.torch_archives import write_checkpoint

from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.models.speakers.segmentation import band_filters, write_segmentation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segmentation")
    weights = write_checkpoint(folder / "random.pt", segmentation_weights())
    write_segmentation(weights, folder / "net.onnx")
    return folder / "net.onnx"


def log_probs(graph: Path, *clips: NDArray[np.float32]) -> NDArray[np.float32]:
    waveform = np.stack(clips)[:, np.newaxis]
    found: NDArray[np.float32] = one_thread_session(graph).run(None, {"waveform": waveform})[0]
    return found


def noise(samples: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize(("samples", "frames"), [(160_000, 589), (80_000, 293), (16_000, 56)])
def test_frames_have_probabilities_of_seven_classes(graph: Path, samples: int, frames: int) -> None:
    found = log_probs(graph, noise(samples))
    assert found.shape == (1, frames, 7)
    assert np.exp(found).sum(axis=2) == pytest.approx(np.ones((1, frames)), abs=1e-4)


def test_a_clip_does_not_depend_on_those_beside_it_nor_on_its_loudness(graph: Path) -> None:
    one, other = noise(16_000), noise(16_000, seed=1)
    together = log_probs(graph, one, other / np.float32(4))
    assert together[0] == pytest.approx(log_probs(graph, one)[0], abs=1e-3)
    assert together[1] == pytest.approx(log_probs(graph, other)[0], abs=5e-2)


def test_the_recurrent_layers_read_forwards_and_backwards(graph: Path) -> None:
    """What is changed in the middle is heard in the first and in the last frame."""
    clip = noise(16_000)
    changed = clip.copy()
    changed[8_000:8_100] *= -1
    difference = np.abs(log_probs(graph, clip) - log_probs(graph, changed))[0].max(axis=1)
    assert (difference[[0, -1]] > 0).all()


def test_filters_pass_their_band() -> None:
    low, width = np.array([[950.0]], np.float32), np.array([[-150.0]], np.float32)
    window = np.hamming(251)[:125].astype(np.float32)
    filters = band_filters(low, width, radians(), window)
    assert filters.shape == (2, 1, 251)
    even, odd = filters[:, 0]
    assert even == pytest.approx(even[::-1], abs=1e-7)
    assert odd == pytest.approx(-odd[::-1], abs=1e-7)
    heard = np.abs(np.fft.rfft(even, 16_000))  # a bin a Hz
    assert heard[1_050:1_150].min() > 0.5 * heard.max()
    assert max(heard[:800].max(), heard[1_400:].max()) < 0.01 * heard.max()


def test_the_same_weights_give_the_same_bytes(graph: Path, tmp_path: Path) -> None:
    weights = write_checkpoint(tmp_path / "random.pt", segmentation_weights())
    write_segmentation(weights, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == graph.read_bytes()


def test_another_network_is_refused_by_the_weight_it_lacks(tmp_path: Path) -> None:
    weights = segmentation_weights()
    del weights["lstm.bias_hh_l3_reverse"]
    path = write_checkpoint(tmp_path / "other.pt", weights)
    with pytest.raises(ModelError, match=r"has no weight lstm\.bias_hh_l3_reverse"):
        write_segmentation(path, tmp_path / "net.onnx")
