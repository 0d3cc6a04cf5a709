"""YAMNet against the figures beside its file, and its windows with a small network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.small_classifiers import WINDOW_SAMPLES, write_yamnet

from beam_audio.classifiers.yamnet import YamNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.shared
def test_labels_and_scores_are_those_measured_before(
    given_models: Path, expected_of: dict[str, Any], clip_of: Callable[[str], Any]
) -> None:
    model = YamNet.load(given_models / "yamnet_521.onnx", given_models / "yamnet_521_labels.txt")
    for name, expected in expected_of.items():
        values = model.hear(clip_of(name)).values
        means = values.mean(axis=0)
        assert len(values) == expected["yamnet"]["windows"]
        for place, label, score in expected["yamnet"]["top3_of_mean"]:
            assert model.labels[place] == label
            assert means[place] == pytest.approx(score, abs=0.005)
        label, score = expected["yamnet"]["first_window_top1"]
        assert model.labels[values[0].argmax()] == label
        assert values[0].max() == pytest.approx(score, abs=0.06)


@pytest.fixture
def small(tmp_path: Path) -> YamNet:
    folder = write_yamnet(tmp_path)
    return YamNet.load(folder / "yamnet_small.onnx", folder / "yamnet_small_labels.txt")


@pytest.mark.parametrize(("more", "windows"), [(0, 1), (7_799, 1), (7_800, 2), (15_600, 3)])
def test_only_whole_windows_are_heard(small: YamNet, more: int, windows: int) -> None:
    found = small.hear(np.full(WINDOW_SAMPLES + more, 0.25, np.float32))
    assert found.values == pytest.approx(np.array([[0.25, 0.75]] * windows))


def test_a_short_clip_is_filled_with_silence(small: YamNet) -> None:
    found = small.hear(np.full(WINDOW_SAMPLES // 2, 0.5, np.float32))
    assert found.values == pytest.approx(np.array([[0.25, 0.75]]))
