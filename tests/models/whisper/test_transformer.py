from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from beam_audio.models.onnx_graph import GraphWriter
from beam_audio.models.weights import Tensor
from beam_audio.models.whisper.transformer import PRECISIONS, Layers

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.whisper.transformer import Precision

INPUTS, OUTPUTS, VOCABULARY = 64, 24, 40
NEAR = {"float32": 1e-6, "float16": 2e-3, "int8": 2e-2}


def random_tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "linear.weight": rng.normal(size=(OUTPUTS, INPUTS)).astype(np.float32),
        "linear.bias": rng.normal(size=OUTPUTS).astype(np.float32),
        "tokens": rng.normal(size=(VOCABULARY, INPUTS)).astype(np.float32),
    }


def run(path: Path, precision: Precision, x: np.ndarray) -> dict[str, np.ndarray]:
    """A linear layer of x, the embeddings of tokens 3 and 7, and the logits of x."""
    arrays = random_tensors()
    weights = {name: Tensor(a.shape, a.copy) for name, a in arrays.items()}
    graph = GraphWriter("layers", path, external=False)
    layers = Layers(graph, weights, INPUTS, precision)
    entry = graph.cast(graph.input("x", "float", ("rows", INPUTS)), layers.kind)
    tokens = graph.input("ids", "int64", ("b", "t"))
    outputs = {
        "linear": layers.linear(entry, "linear"),
        "embedded": layers.embed(tokens, "tokens"),
        "logits": layers.logits(entry, "tokens"),
    }
    for name, value in outputs.items():
        graph.cast(value, "float", to=name)
        graph.output(name, "float", ("b", "t", "n") if name == "embedded" else ("rows", "n"))
    graph.write()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(list(outputs), {"x": x, "ids": np.array([[3, 7]])})
    return dict(zip(outputs, found, strict=True))


@pytest.fixture
def x() -> np.ndarray:
    rows = np.random.default_rng(6).normal(size=(5, INPUTS)).astype(np.float32)
    rows[1] *= 1e4
    rows[2] *= 1e-4
    rows[3] = 0
    return rows


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_row_is_computed_at_its_own_scale(
    tmp_path: Path, precision: Precision, x: np.ndarray
) -> None:
    arrays = random_tensors()
    found = run(tmp_path / "layers.onnx", precision, x)
    expected = x @ arrays["linear.weight"].T
    for row, (got, product) in enumerate(zip(found["linear"], expected, strict=True)):
        difference = got - (product + arrays["linear.bias"])
        rounding = NEAR["float16"] if precision == "float16" else 1e-6  # the sum with the bias
        near = NEAR[precision] * np.linalg.norm(x[row]) * np.sqrt(INPUTS) + rounding * 4
        assert np.abs(difference).max() <= near
    logits = x @ arrays["tokens"].T
    scale = np.abs(logits).max(axis=1, keepdims=True)
    assert (np.abs(found["logits"] - logits) <= 10 * NEAR[precision] * scale + 1e-6).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tokens_are_looked_up(tmp_path: Path, precision: Precision, x: np.ndarray) -> None:
    table = random_tensors()["tokens"]
    found = run(tmp_path / "layers.onnx", precision, x)["embedded"]
    np.testing.assert_allclose(found, table[None, [3, 7]], atol=NEAR[precision] * table.max())


def test_whole_numbers_of_a_row_ignore_its_neighbours(tmp_path: Path, x: np.ndarray) -> None:
    together = run(tmp_path / "together.onnx", "int8", x)
    for row in range(len(x)):
        alone = run(tmp_path / "alone.onnx", "int8", x[row : row + 1])
        assert np.array_equal(alone["linear"][0], together["linear"][row])
        # Scores are sums of floats, whose order a processor may choose by the number of rows.
        logits = together["logits"][row]
        np.testing.assert_allclose(alone["logits"][0], logits, atol=1e-6 * np.abs(logits).max())
