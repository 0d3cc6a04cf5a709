from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.random_whisper import write_safetensors

from beam_audio.errors import ModelError
from beam_audio.models.safetensors import read_safetensors, safetensors_files

if TYPE_CHECKING:
    from pathlib import Path

EXACT = np.array([[0.5, -2.0, 0.0], [1024.0, 3.0, -0.25]], np.float32)  # in every format below


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_every_float_format_comes_as_float32(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "model.safetensors"
    write_safetensors(path, {"a": EXACT, "b": EXACT[0]}, dtype)
    tensors = read_safetensors((path,))
    assert tensors["a"].shape == (2, 3)
    assert tensors["a"].read().dtype == np.float32
    assert tensors["a"].read().tolist() == EXACT.tolist()
    assert tensors["b"].read().tolist() == EXACT[0].tolist()


def test_shards_are_found_through_the_index(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        write_safetensors(tmp_path / f"part{number}.safetensors", {name: EXACT + number})
    index = {"weight_map": {"a": "part0.safetensors", "b": "part1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    tensors = read_safetensors(safetensors_files(tmp_path))
    assert sorted(tensors) == ["a", "b"]
    assert tensors["b"].read().tolist() == (EXACT + 1).tolist()


def test_a_directory_without_weights_has_no_files(tmp_path: Path) -> None:
    assert safetensors_files(tmp_path) == ()


@pytest.mark.parametrize("name", ["absent.safetensors", "../model.safetensors"])
def test_an_index_may_only_name_files_beside_it(tmp_path: Path, name: str) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    write_safetensors(tmp_path / "model.safetensors", {"a": EXACT})
    index = {"weight_map": {"a": name}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"model\.safetensors\.index\.json names"):
        safetensors_files(directory)


def test_integers_are_refused_by_name(tmp_path: Path) -> None:
    header = {"steps": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(ModelError, match="steps is I64"):
        read_safetensors((path,))


@given(length=st.integers(min_value=0, max_value=200))
def test_a_file_cut_short_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, length: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.safetensors"
    write_safetensors(path, {"a": EXACT})
    whole = path.read_bytes()
    path.write_bytes(whole[: min(length, len(whole) - 1)])
    with pytest.raises(ModelError):
        read_safetensors((path,))


@pytest.mark.parametrize("index", [{}, {"weight_map": None}, {"weight_map": {"a": None}}])
def test_an_index_without_file_names_is_refused(tmp_path: Path, index: dict[str, object]) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="has no weight_map of file names"):
        safetensors_files(tmp_path)


@pytest.mark.parametrize("entry", [{"shape": [float("inf")]}, {"data_offsets": [float("nan"), 8]}])
def test_sizes_that_are_no_numbers_are_refused(tmp_path: Path, entry: dict[str, object]) -> None:
    header = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | entry}
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(ModelError, match="the entry of a is malformed"):
        read_safetensors((path,))
