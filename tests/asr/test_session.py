from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.session import (
    CPU,
    available_providers,
    make_session,
    resolve_provider,
    with_options,
)
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path

SHORT_NAMES = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    graph = GraphWriter("double", path, external=False)
    x = graph.input("x", "float", ("n",))
    graph.node("Add", x, x, to="y")
    graph.output("y", "float", ("n",))
    graph.write()
    return path


@pytest.fixture
def absent() -> str:
    """A provider that this ONNX Runtime was built without; no build has all of them."""
    found = available_providers()
    return next(name for name, full in SHORT_NAMES.items() if full not in found)


def test_names_are_resolved() -> None:
    assert resolve_provider("cpu") == CPU
    assert resolve_provider(CPU) == CPU
    assert resolve_provider("CUDA") == "CUDAExecutionProvider"
    has_cuda = "CUDAExecutionProvider" in available_providers()
    assert resolve_provider("auto") == ("CUDAExecutionProvider" if has_cuda else CPU)


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ModelError, match="'gpu' is unknown: use auto, cpu, cuda"):
        resolve_provider("gpu")


def test_a_session_runs(model: Path) -> None:
    session = make_session(model, ModelOptions(provider="cpu", require_provider=True, threads=1))
    assert session.get_providers()[0] == CPU
    assert session.run(["y"], {"x": np.array([1, 2], np.float32)})[0].tolist() == [2, 4]


def test_a_required_provider_that_is_absent_is_an_error(model: Path, absent: str) -> None:
    with pytest.raises(ProviderError, match=rf"{SHORT_NAMES[absent]} was required but {CPU}"):
        make_session(model, ModelOptions(provider=absent, require_provider=True))


def test_a_provider_that_is_absent_falls_back_visibly(
    model: Path, absent: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert make_session(model, ModelOptions(provider=absent)).get_providers()[0] == CPU
    assert f"{CPU} is in use" in caplog.text


def test_the_provider_asked_for_causes_no_warning(
    model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_session(model, ModelOptions(provider="cpu"))
    assert caplog.text == ""


def test_options_reach_the_provider_they_are_for() -> None:
    given = with_options("TensorrtExecutionProvider", trt_fp16_enable="1")
    for name, options in given:
        assert ("trt_fp16_enable" in options) == (name == "TensorrtExecutionProvider")
    assert given[-1] == (CPU, {})


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"cannot load .*broken\.onnx"):
        make_session(path, ModelOptions(provider="cpu"))
