"""A network hears frame after frame, remembers, and is refused where it does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.small_enhancers import WAVEFORM, write_enhancer

from beam_audio.enhancers.network import load_enhancer, load_same
from beam_audio.errors import EnhanceError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLIP: NDArray[np.float32] = np.random.default_rng(0).uniform(-0.5, 0.5, 5000).astype(np.float32)


@pytest.mark.parametrize(
    "given",
    [{}, {"shape": (1, 1, "frames", 257, 2)}, {"shape": (1, 160), **WAVEFORM}],
    ids=["spectrum", "spectrum, another shape", "waveform"],
)
def test_each_frame_goes_through_the_network(tmp_path: Path, given: dict[str, Any]) -> None:
    found = load_enhancer(str(write_enhancer(tmp_path, **given))).enhance(CLIP)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, CLIP / 2, atol=2e-6)


def test_a_network_remembers_within_a_clip_only(tmp_path: Path) -> None:
    fading: dict[str, Any] = {"fades": True, "gain": 1.0, "shape": (160,), **WAVEFORM}
    enhancer = load_enhancer(str(write_enhancer(tmp_path, **fading)))
    found = enhancer.enhance(CLIP[:480])
    np.testing.assert_allclose(found, CLIP[:480] / np.repeat([1, 2, 3], 160), rtol=1e-6)
    assert (enhancer.enhance(CLIP[:480]) == found).all()


def test_numbers_that_are_not_finite_are_no_clip(tmp_path: Path) -> None:
    given: dict[str, Any] = {"breaks_above": 0.4, "shape": (160,), **WAVEFORM}
    enhancer = load_enhancer(str(write_enhancer(tmp_path, **given)))
    assert np.isfinite(enhancer.enhance(CLIP / np.float32(2))).all()
    with pytest.raises(EnhanceError, match=r"small\.onnx gives numbers that are not finite"):
        enhancer.enhance(CLIP)


def test_a_network_is_known_by_its_files(tmp_path: Path) -> None:
    model = load_enhancer(str(write_enhancer(tmp_path / "a"))).model
    assert model.model_id == f"small-{model.sha256[:12]}"
    same = load_enhancer(str(write_enhancer(tmp_path / "b"))).model
    assert same == replace(model, folder=str(tmp_path / "b"))
    other = load_enhancer(str(write_enhancer(tmp_path / "c", gain=0.25))).model
    other_frames = load_enhancer(str(write_enhancer(tmp_path / "d", hop_samples=128))).model
    weights = write_enhancer(tmp_path / "e")
    (weights / "small.onnx.data").write_bytes(b"weights")
    other_weights = load_enhancer(str(weights)).model
    found = {each.sha256 for each in (model, other, other_frames, other_weights)}
    assert len(found) == 4


def test_a_worker_refuses_the_network_of_another_run(tmp_path: Path) -> None:
    model = load_enhancer(str(write_enhancer(tmp_path))).model
    assert load_same(model).model == model
    with pytest.raises(ModelError, match="not the one that the run began with"):
        load_same(replace(model, sha256="0" * 32))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"model": "gone.onnx"}, r"has no gone\.onnx, which its enhancer\.json names"),
        ({"input": "frame"}, r"takes count, mix, and enhancer\.json says count, frame"),
        ({"states": {}}, r"takes count, mix, and enhancer\.json says mix"),
        ({"output": "clean"}, r"gives count_out, enh, and enhancer\.json says clean"),
        ({"frame_samples": 320, "hop_samples": 160}, "takes 514 numbers a frame, and .* makes 322"),
        ({"breaks_above": -1.0}, "not finite for this clip: it cannot hear a second of silence"),
    ],
)
def test_a_network_that_does_not_fit_is_told(
    tmp_path: Path, given: dict[str, Any], named: str
) -> None:
    with pytest.raises(ModelError, match=named):
        load_enhancer(str(write_enhancer(tmp_path, **given)))


def test_a_file_that_is_no_network_is_told(tmp_path: Path) -> None:
    (write_enhancer(tmp_path) / "small.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load"):
        load_enhancer(str(tmp_path))
