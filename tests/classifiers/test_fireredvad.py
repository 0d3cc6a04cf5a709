"""FireRedVAD's event model against the figures beside its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from beam_audio.classifiers.fireredvad import FireRedVad
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def model(given_models: Path) -> FireRedVad:
    return FireRedVad.load(
        given_models / "fireredvad_aed.onnx", given_models / "fireredvad_cmvn.ark"
    )


@pytest.mark.shared
def test_scores_are_those_measured_before(
    model: FireRedVad, expected_of: dict[str, Any], clip_of: Callable[[str], Any]
) -> None:
    for name, expected in expected_of.items():
        found = model.hear(clip_of(name)).values
        assert len(found) == expected["fbank_frames"]
        stated = expected["fireredvad_aed"]
        means = found.mean(axis=0)
        assert means == pytest.approx(stated["mean_speech_singing_music"], abs=1e-3)
        shares = (found > np.array([0.4, 0.5, 0.5])).mean(axis=0)
        assert shares == pytest.approx(stated["share_over_.4_.5_.5"], abs=2e-3)


@pytest.mark.shared
def test_a_clip_below_a_frame_is_filled_with_silence(model: FireRedVad) -> None:
    assert model.hear(np.ones(10, np.float32)).values.shape == (1, 3)


@pytest.mark.shared
def test_other_statistics_are_refused(given_models: Path, tmp_path: Path) -> None:
    (tmp_path / "cmvn.ark").write_bytes(bytes(15 + 2 * 41 * 8))
    with pytest.raises(ModelError, match="80 bands"):
        FireRedVad.load(given_models / "fireredvad_aed.onnx", tmp_path / "cmvn.ark")
