from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_whisper import Shape, random_weights, write_ctranslate2

from beam_audio.errors import ModelError
from beam_audio.models.ctranslate2 import read_ctranslate2

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Shape(vocabulary=51866, width=8, heads=2, encoder_layers=1, decoder_layers=1)


def text(value: str) -> bytes:
    encoded = value.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded


def model_file(variables: bytes, count: int, version: int = 6, aliases: bytes = b"") -> bytes:
    head = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, count)
    return head + variables + (aliases or struct.pack("<I", 0))


def variable(name: str, kind: int, array: np.ndarray) -> bytes:
    dimensions = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    return text(name) + dimensions + struct.pack("<BI", kind, array.nbytes) + array.tobytes()


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return random_weights(SMALL)


@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [(None, 0.0), ("float16", 2**-10), ("int8", 1 / 100), ("int16", 1e-3)],
)
def test_reads_what_ctranslate2_writes(
    tmp_path: Path, weights: dict[str, np.ndarray], quantization: str | None, tolerance: float
) -> None:
    write_ctranslate2(tmp_path, weights, SMALL, quantization)
    content = read_ctranslate2(tmp_path / "model.bin")
    assert content.specification == "WhisperSpec"
    assert int(content.integers["encoder/num_heads"]) == SMALL.heads
    expected = weights["model.decoder.layers.0.fc1.weight"]
    found = content.tensors["decoder/layer_0/ffn/linear_0/weight"].read()
    assert found.dtype == np.float32
    largest = np.abs(expected).max()
    assert np.abs(found - expected).max() <= tolerance * largest


def test_an_alias_is_the_same_weight(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_ctranslate2(tmp_path, weights, SMALL)
    tensors = read_ctranslate2(tmp_path / "model.bin").tensors
    found = tensors["decoder/projection/weight"].read()
    assert np.array_equal(found, weights["model.decoder.embed_tokens.weight"])


def test_bfloat16_comes_as_float32(tmp_path: Path) -> None:
    values = np.array([0.5, -2.0, 1024.0], np.float32)
    upper_halves = (values.view(np.uint32) >> 16).astype("<u2")
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(variable("x", 5, upper_halves), 1))
    assert read_ctranslate2(path).tensors["x"].read().tolist() == values.tolist()


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(b"", 0, version=3))
    with pytest.raises(ModelError, match="it says 3"):
        read_ctranslate2(path)


def test_an_unknown_number_type_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(variable("x", 9, np.zeros(1, np.float32)), 1))
    with pytest.raises(ModelError, match="x has the unknown number type 9"):
        read_ctranslate2(path)


def test_a_length_that_does_not_fit_the_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(variable("x", 4, np.zeros(2, np.float32)), 1))
    with pytest.raises(ModelError, match="do not fit its shape"):
        read_ctranslate2(path)


def test_an_alias_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_file(b"", 0, aliases=struct.pack("<I", 1) + text("a") + text("b")))
    with pytest.raises(ModelError, match="names 'b'"):
        read_ctranslate2(path)


@settings(max_examples=50)
@given(share=st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_file_cut_short_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    whole = model_file(variable("x", 0, np.zeros((2, 3), np.float32)), 1)
    path = tmp_path_factory.mktemp("cut") / "model.bin"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelError):
        read_ctranslate2(path)
