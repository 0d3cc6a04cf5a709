from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from support.random_optimum import write_optimum
from support.random_whisper import Shape, Weights, random_weights

from beam_audio.errors import ModelError
from beam_audio.models.whisper.optimum import read_optimum_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.weights import Tensor

SHAPE = Shape(bands=8, width=8, encoder_layers=2, decoder_layers=11, frames=10, vocabulary=50)


@pytest.fixture(scope="module")
def weights() -> Weights:
    """Enough layers for numbers of two digits, and two equal biases, which are stored once."""
    made = random_weights(SHAPE)
    made["model.decoder.layers.10.fc2.bias"] = made["model.decoder.layers.2.fc2.bias"].copy()
    return made


def read(directory: Path, decoder: str = "decoder_model.onnx") -> dict[str, Tensor]:
    return read_optimum_tensors(directory / "encoder_model.onnx", directory / decoder)


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("external", [True, False])
def test_weights_are_those_of_the_checkpoint(
    tmp_path: Path, weights: Weights, *, merged: bool, external: bool
) -> None:
    write_optimum(tmp_path, weights, merged=merged, external=external)
    found = read(tmp_path, "decoder_model_merged.onnx" if merged else "decoder_model.onnx")
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        assert found[name].shape == array.shape
        assert np.array_equal(found[name].read(), array)


def test_half_precision_is_widened(tmp_path: Path, weights: Weights) -> None:
    write_optimum(tmp_path, weights, half=True)
    for name, tensor in read(tmp_path).items():
        assert tensor.read().dtype == np.float32
        assert np.array_equal(tensor.read(), weights[name].astype(np.float16))


def test_positions_must_be_one_constant(tmp_path: Path, weights: Weights) -> None:
    write_optimum(tmp_path, weights)
    path = tmp_path / "encoder_model.onnx"
    model = onnx.load(path)
    (positions,) = (tensor for tensor in model.graph.initializer if tensor.name == "onnx::Add_241")
    model.graph.initializer.remove(positions)
    onnx.save(model, path)
    with pytest.raises(ModelError, match=r"has 0 constants that could be the encoder's positions"):
        read(tmp_path)


def test_weights_of_fused_or_quantised_layers_are_not_guessed(
    tmp_path: Path, weights: Weights
) -> None:
    write_optimum(tmp_path, weights)
    path = tmp_path / "decoder_model.onnx"
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "MatMul" and "layers.3/fc1" in node.name:
            node.op_type = "MatMulInteger"
    onnx.save(model, path)
    assert weights.keys() - read(tmp_path).keys() == {"model.decoder.layers.3.fc1.weight"}


def test_files_that_are_not_whole_are_refused(tmp_path: Path, weights: Weights) -> None:
    write_optimum(tmp_path, weights, external=True)
    (tmp_path / "decoder_model.onnx_data").unlink()
    with pytest.raises(ModelError, match=r"decoder_model\.onnx_data, which holds weights"):
        read(tmp_path)
    (tmp_path / "encoder_model.onnx").write_bytes(b"\xff\xff")
    with pytest.raises(ModelError, match=r"encoder_model\.onnx is not an ONNX file"):
        read(tmp_path)
