"""The graph of CAM++ on random weights; tests/integration/test_networks_got.py has real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_speakers import campplus_weights
from support.torch_archives import write_checkpoint

from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.models.speakers.campplus import write_campplus

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campplus")
    write_campplus(write_checkpoint(folder / "random.pt", campplus_weights()), folder / "net.onnx")
    return folder / "net.onnx"


def embedded(graph: Path, *clips: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = one_thread_session(graph).run(None, {"feat": np.stack(clips)})[0]
    return found


def features(frames: int) -> NDArray[np.float32]:
    return np.random.default_rng(frames).normal(0, 2, (frames, 80)).astype(np.float32)


@pytest.mark.parametrize("frames", [3, 200, 201, 431])
def test_a_clip_of_any_length_has_192_numbers(graph: Path, frames: int) -> None:
    found = embedded(graph, features(frames))
    assert found.shape == (1, 192)
    assert np.isfinite(found).all()


def test_a_clip_does_not_depend_on_those_beside_it(graph: Path) -> None:
    one, other = features(250), features(250)[::-1]
    together = embedded(graph, one, other)
    assert together[0] == pytest.approx(embedded(graph, one)[0], abs=1e-4)
    assert together[1] == pytest.approx(embedded(graph, other)[0], abs=1e-4)
    assert together[0] != pytest.approx(together[1], abs=1e-2)


def test_numbers_may_be_below_zero(graph: Path) -> None:
    """The last step is no ReLU."""
    assert embedded(graph, features(100)).min() < 0


def test_the_same_weights_give_the_same_bytes(graph: Path, tmp_path: Path) -> None:
    write_campplus(write_checkpoint(tmp_path / "a.pt", campplus_weights()), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == graph.read_bytes()


def test_another_network_is_refused_by_the_weight_it_lacks(tmp_path: Path) -> None:
    weights = campplus_weights()
    del weights["xvector.block2.tdnnd24.linear1.weight"]
    path = write_checkpoint(tmp_path / "other.pt", weights)
    with pytest.raises(
        ModelError, match=r"has no weight xvector\.block2\.tdnnd24\.linear1\.weight"
    ):
        write_campplus(path, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
