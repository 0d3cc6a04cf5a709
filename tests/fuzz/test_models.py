"""Model files of strangers: a model, or a ModelError; never a crash, never memory by a lie."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from support.fuzzing import Damaged, attempt, bounded, damaged, fuzzed, strange
from support.project import ROOT
from support.random_ctc import random_ctc, write_ctc
from support.random_onnx_asr import write_gigaam_ctc, write_t_one
from support.random_transducer import random_transducer, write_nemo_ctc, write_transducer
from support.random_whisper import (
    Shape,
    random_weights,
    write_ctranslate2,
    write_huggingface,
    write_safetensors,
)

from beam_audio.asr import Request, load_model, model_facts
from beam_audio.errors import ModelError
from beam_audio.models.card import read_card
from beam_audio.models.ctranslate2 import read_ctranslate2
from beam_audio.models.resolve import _weight_files
from beam_audio.models.safetensors import read_safetensors, safetensors_files
from beam_audio.models.whisper.checkpoint import (
    read_ctranslate2_whisper,
    read_huggingface_whisper,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = Shape(width=8, encoder_layers=1, decoder_layers=1)
ARRAYS = {"a": np.ones((2, 3), np.float32), "b": np.ones(4, np.float32)}
CARDS = {path.stem: path.read_bytes() for path in (ROOT / "models").glob("*.json")}
CLIP = np.sin(np.arange(8_000) / 9).astype(np.float32)
MOST_MEBIBYTES = 1024
"""A graph is read whole by two libraries."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@functools.cache
def file_of(write: Callable[[Path], None], folder: Path, name: str) -> bytes:
    """A file of a model that a function writes into a folder."""
    write(folder)
    return (folder / name).read_bytes()


def read_tensors(path: Path) -> None:
    """Read a file of safetensors and all that it holds."""
    for tensor in read_safetensors((path,)).values():
        assert tensor.read().shape == tensor.shape


def check(content: bytes, read: Callable[[], object]) -> None:
    attempt(content, read, ModelError, MOST_MEBIBYTES)


@given(data=st.data())
@fuzzed(200)
def test_damaged_safetensors(place: Path, data: st.DataObject) -> None:
    path = place / "model.safetensors"
    seeds = {}
    for kind in ("F32", "F16", "BF16"):
        write_safetensors(path, ARRAYS, kind)
        seeds[kind] = path.read_bytes()
    content = data.draw(damaged(seeds))
    path.write_bytes(content)
    check(content, lambda: read_tensors(path))


@given(header=strange({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}))
@fuzzed(200)
def test_strange_headers_of_safetensors(place: Path, header: object) -> None:
    path = place / "model.safetensors"
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + bytes(16)
    path.write_bytes(content)
    check(content, lambda: read_tensors(path))


@given(index=strange({"metadata": {}, "weight_map": {"a": "x.safetensors", "b": "../y"}}))
@fuzzed(100)
def test_strange_indexes_of_safetensors(place: Path, index: object) -> None:
    path = place / "model.safetensors.index.json"
    (place / "x.safetensors").touch()
    content = json.dumps(index).encode()
    path.write_bytes(content)
    check(content, lambda: safetensors_files(place))


def _ctranslate2(folder: Path) -> None:
    write_ctranslate2(folder, random_weights(SMALL), SMALL, "int8")


@given(data=st.data())
@fuzzed(150)
def test_damaged_ctranslate2(place: Path, data: st.DataObject) -> None:
    folder = place / "ctranslate2"
    seed = file_of(_ctranslate2, folder, "model.bin")
    content = data.draw(damaged({"int8": seed[: 1 << 16]} | {"whole": seed}))
    path = folder / "damaged.bin"
    path.write_bytes(content)
    files = {"model.bin": path} | {n: folder / n for n in ("config.json", "tokenizer.json")}

    def read() -> None:
        for tensor in read_ctranslate2(path).tensors.values():
            if np.prod(tensor.shape) < 1 << 20:
                assert tensor.read().shape == tensor.shape
        read_ctranslate2_whisper(files)

    check(content, read)


def _huggingface(folder: Path) -> None:
    write_huggingface(folder, random_weights(SMALL), SMALL)


@given(
    config=strange(
        {
            "model_type": "whisper",
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "suppress_tokens": [1],
            "begin_suppress_tokens": [220],
            "alignment_heads": [[0, 1], [0, 0]],
            "activation_function": "gelu",
        }
    ),
    tokenizer=strange({"added_tokens": [{"content": "<|startoftranscript|>", "id": 50258}]}),
    which=st.sampled_from(["config.json", "generation_config.json", "tokenizer.json"]),
)
@fuzzed(200)
def test_strange_settings_of_whisper(
    place: Path, config: object, tokenizer: object, which: str
) -> None:
    whole = place / "huggingface"
    file_of(_huggingface, whole, "config.json")
    folder = place / "strange"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in whole.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / which).unlink()
    content = json.dumps(tokenizer if which == "tokenizer.json" else config).encode()
    (folder / which).write_bytes(content)
    check(content, lambda: read_huggingface_whisper(_weight_files(folder).paths))


def _ctc(folder: Path) -> None:
    write_ctc(folder, random_ctc(), masked=True)


def _nemo_ctc(folder: Path) -> None:
    write_nemo_ctc(folder, random_transducer())


def _nemo_tdt(folder: Path) -> None:
    write_transducer(folder, random_transducer(durations=5), durations=True)


FRAME_MODELS: dict[str, Callable[[Path], None]] = {
    "wav2vec2-ctc": _ctc,
    "nemo-ctc": _nemo_ctc,
    "nemo-tdt": _nemo_tdt,
    "gigaam-ctc": write_gigaam_ctc,
    "t-one-ctc": write_t_one,
}


@pytest.fixture(params=FRAME_MODELS)
def model(request: pytest.FixtureRequest, place: Path) -> Path:
    """A model that users bring, whole."""
    folder: Path = place / request.param
    shutil.rmtree(folder, ignore_errors=True)
    FRAME_MODELS[request.param](folder)
    return folder


def load_with(model: Path, name: str, content: bytes) -> None:
    """Load the model with other bytes in one of its files, and let it hear a clip.

    A graph that runs and does not fit raises whatever ONNX Runtime raises: the segment fails.
    """
    kept = (model / name).read_bytes() if (model / name).exists() else None
    (model / name).write_bytes(content)
    loaded = []

    def read() -> None:
        model_facts(str(model))
        loaded.append(load_model(str(model)))

    try:
        check(content, read)
        with bounded(content, mebibytes=MOST_MEBIBYTES), contextlib.suppress(Exception):
            loaded[0].transcribe([Request(CLIP)])
    finally:
        (model / name).unlink() if kept is None else (model / name).write_bytes(kept)


@given(data=st.data())
@fuzzed(60)
def test_damaged_models_of_users(model: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(path.name for path in model.iterdir())))
    load_with(model, name, data.draw(damaged({name: (model / name).read_bytes()})))


SETTINGS = {
    "model_type": "nemo-conformer-tdt",
    "version": "v2",
    "features_size": 80,
    "subsampling_factor": 8,
    "max_tokens_per_step": 10,
    "encoder_params": {"reduction_kernel_size": 3},
    "decoder_params": {"vocabulary": list("abc")},
    "pad_token_id": 0,
    "conv_kernel": [10, 8],
    "conv_stride": [5, 4],
    "do_normalize": True,
    "sampling_rate": 16000,
}


@given(
    name=st.sampled_from(["config.json", "preprocessor_config.json", "tokenizer_config.json"]),
    content=strange(SETTINGS),
)
@fuzzed(20)
def test_strange_settings_of_users(model: Path, name: str, content: object) -> None:
    load_with(model, name, json.dumps(content).encode())


@given(content=damaged(CARDS))
@fuzzed(200)
def test_damaged_cards(place: Path, content: Damaged) -> None:
    path = place / "card.json"
    path.write_bytes(content)
    check(content, lambda: read_card(path))


@given(data=st.data())
@fuzzed(200)
def test_strange_cards(place: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CARDS)))
    content = json.dumps(data.draw(strange(json.loads(CARDS[name])))).encode()
    path = place / "card.json"
    path.write_bytes(content)
    check(content, lambda: read_card(path))
