"""CLAP: scores follow from how near a clip is to each label's sentence.

tests/integration/test_transformers.py holds the real architecture against the library's pipeline.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.small_classifiers import write_clap

from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.classifiers.load import load_classifier
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 8_000
SILENCE = np.zeros(RATE_HZ, np.float32)
NOISE = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)


def scores(folder: Path, clip: np.ndarray, template: str = HYPOTHESIS_TEMPLATE) -> list[float]:
    model = load_classifier(folder, ["low", "high"], template)
    (heard,) = model.hear(clip)
    return [float(score) for score in heard.values[0]]


def test_the_label_that_is_nearest_has_the_highest_score(tmp_path: Path) -> None:
    folder = write_clap(tmp_path)
    low, high = scores(folder, SILENCE)  # at -100 dB: cosines of nearly 1 and -1
    assert low > 0.98
    assert low + high == pytest.approx(1.0)
    low, high = scores(folder, NOISE)
    assert high > low


def test_the_sentence_is_that_of_the_template(tmp_path: Path) -> None:
    """The words of the template point the other way, three times as strongly."""
    low, high = scores(write_clap(tmp_path), SILENCE, "low low low {}")
    assert high > 0.4
    assert low > high


def test_cosines_are_scaled_as_the_configuration_says(tmp_path: Path) -> None:
    low, high = scores(write_clap(tmp_path, logit_scale=0.0), SILENCE)
    assert low == high == 0.5


def test_a_long_clip_is_heard_in_equal_parts(tmp_path: Path) -> None:
    model = load_classifier(write_clap(tmp_path), ["low", "high"])
    (found,) = model.hear(np.concatenate([SILENCE, NOISE]))
    assert (found.values[:, 0] > 0.5).tolist() == [True, False]
    assert found.hop_seconds == 1.0


@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
def test_a_short_clip_is_filled_as_the_file_says(tmp_path: Path, padding: str) -> None:
    folder = write_clap(tmp_path)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"padding": padding}))
    low, high = scores(folder, NOISE[: RATE_HZ // 4])
    assert (low > high) == (padding == "pad")


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (write_clap(tmp_path) / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json is no tokenizer"):
        load_classifier(tmp_path, ["low"])
