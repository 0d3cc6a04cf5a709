"""Classifiers of one or two operators as ONNX, in the shape of real ones, whose scores are known.

The one in YAMNet's shape scores "Speech" with the mean of the magnitudes of a window's samples and
"Music" with one minus that. The one in Hugging Face's shape has the logits (mean, 0, 1). The one in
CLAP's shape points a clip to (mean decibels, 1), and a text of the words "low" and "high" to
(-50, 1) and (50, 1).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WINDOW_SAMPLES = 15_600


def write_yamnet(folder: Path) -> Path:
    """A folder that holds a classifier in YAMNet's shape."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("Abs", ["waveform"], ["size"]),
        helper.make_node("ReduceMean", ["size"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["one", "mean"], ["rest"]),
        helper.make_node("Concat", ["mean", "rest"], ["flat"], axis=0),
        helper.make_node("Reshape", ["flat", "shape"], ["scores"]),
    ]
    constants = {"one": np.ones(1, np.float32), "shape": np.array([1, 2])}
    _write(
        folder / "yamnet_small.onnx",
        nodes,
        {"waveform": [WINDOW_SAMPLES]},
        {"scores": [1, 2]},
        constants,
    )
    (folder / "yamnet_small_labels.txt").write_text("Speech\nMusic\n")
    return folder


def write_huggingface(folder: Path, **config: Any) -> Path:  # noqa: ANN401 - values of JSON
    """A folder that holds a classifier in Hugging Face's shape."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("ReduceMean", ["input_values"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["mean", "others"], ["logits"], axis=1),
    ]
    constants = {"others": np.array([[0.0, 1.0]], np.float32)}
    _write(folder / "model.onnx", nodes, {"input_values": [1, "n"]}, {"logits": [1, 3]}, constants)
    labels = {"id2label": {"0": "mean", "1": "nothing", "2": "one"}}
    (folder / "config.json").write_text(json.dumps(labels | config))
    front = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "sampling_rate": 8000,
        "do_normalize": False,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(front))
    return folder


def write_clap(folder: Path, **config: Any) -> Path:  # noqa: ANN401 - values of JSON
    """A folder that holds a classifier in CLAP's shape."""
    folder.mkdir(parents=True, exist_ok=True)
    audio = [
        helper.make_node("ReduceMean", ["input_features"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["first"]),
        helper.make_node("Concat", ["first", "one"], ["audio_embeds"], axis=1),
    ]
    one = np.ones((1, 1), np.float32)
    _write(
        folder / "audio_model.onnx",
        audio,
        {"input_features": [1, "views", "frames", "bands"]},
        {"audio_embeds": [1, 2]},
        {"shape": np.array([1, 1]), "one": one},
    )
    text = [
        helper.make_node("Gather", ["words", "input_ids"], ["each"], axis=0),
        helper.make_node("ReduceSum", ["each", "axes"], ["text_embeds"], keepdims=0),
    ]
    words = {"<pad>": (0, 0), "low": (-50, 1), "high": (50, 1), "<unk>": (0, 0)}
    _write(
        folder / "text_model.onnx",
        text,
        {"input_ids": ["texts", "tokens"]},
        {"text_embeds": ["texts", 2]},
        {"words": np.array([*words.values()], np.float32), "axes": np.array([1])},
        given_as=TensorProto.INT64,
    )
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - no secret
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"logit_scale_init_value": 2.0} | config))
    front: dict[str, Any] = {
        "sampling_rate": 8000,
        "frequency_max": 4000,
        "max_length_s": 1,
        "hop_length": 80,
    }
    front |= {"truncation": "rand_trunc", "feature_size": 8, "fft_window_size": 256}
    (folder / "preprocessor_config.json").write_text(json.dumps(front))
    return folder


def _write(  # noqa: PLR0913, PLR0917 - a graph is no less
    file: Path,
    nodes: list[Any],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    constants: dict[str, NDArray[Any]],
    given_as: int = TensorProto.FLOAT,
) -> None:
    given, made = (
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in each.items()]
        for each, kind in ((inputs, given_as), (outputs, TensorProto.FLOAT))
    )
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", given, made, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, file)
