"""Classifiers of Hugging Face: what the files beside the network ask for.

tests/integration/test_transformers.py holds real architectures against the library's pipelines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.small_classifiers import write_huggingface

from beam_audio.classifiers.huggingface import HuggingFaceClassifier
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 8_000
CLIP = np.full(RATE_HZ, 0.5, np.float32)


def load(folder: Path) -> HuggingFaceClassifier:
    return HuggingFaceClassifier.load(
        folder / "model.onnx", folder / "config.json", folder / "preprocessor_config.json"
    )


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_scores_are_a_softmax_over_the_labels(tmp_path: Path) -> None:
    model = load(write_huggingface(tmp_path))
    powers = np.exp([0.5, 0.0, 1.0])
    assert model.labels == ("mean", "nothing", "one")
    assert model.hear(CLIP).values[0] == pytest.approx(powers / powers.sum())


def test_labels_that_do_not_exclude_each_other_have_scores_of_their_own(tmp_path: Path) -> None:
    model = load(write_huggingface(tmp_path, problem_type="multi_label_classification"))
    expected = 1 / (1 + np.exp([-0.5, 0.0, -1.0]))
    assert model.hear(CLIP).values[0] == pytest.approx(expected)


def test_values_of_a_regression_stay(tmp_path: Path) -> None:
    model = load(write_huggingface(tmp_path, problem_type="regression"))
    assert model.hear(CLIP).values[0] == pytest.approx([0.5, 0.0, 1.0])


def test_clips_are_brought_to_one_level_if_the_file_says_so(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, problem_type="regression")
    change(folder / "preprocessor_config.json", do_normalize=True)
    assert load(folder).hear(CLIP).values[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_a_long_clip_is_heard_in_equal_parts(tmp_path: Path) -> None:
    model = load(write_huggingface(tmp_path, problem_type="regression"))
    found = model.hear(np.repeat(np.array([0.0, 1.0], np.float32), 20 * RATE_HZ))
    assert found.values[:, 0] == pytest.approx([0.0, 1.0])
    assert (found.window_seconds, found.hop_seconds) == (20.0, 20.0)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("config.json", {"id2label": {}}, "needs id2label"),
        ("config.json", {"id2label": {"1": "a"}}, "no label '0'"),
        ("preprocessor_config.json", {"feature_extractor_type": "Other"}, "known are"),
    ],
)
def test_files_that_ask_for_something_else_are_refused(
    tmp_path: Path, name: str, values: dict[str, object], message: str
) -> None:
    folder = write_huggingface(tmp_path)
    change(folder / name, **values)
    with pytest.raises(ModelError, match=message):
        load(folder)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json is not JSON"):
        load(folder)
