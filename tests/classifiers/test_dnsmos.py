"""DNSMOS with the network of the package speechmos, which is skipped where it is not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.classifiers import dnsmos
from beam_audio.classifiers.dnsmos import WINDOW_SAMPLES, model_file, model_sha256, rate
from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.network_card import network_cards
from beam_audio.models.weight_files import file_sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEMO = Path(dnsmos.__file__).parents[1] / "data" / "demo"
needs_network = pytest.mark.skipif(
    find_spec("speechmos") is None, reason="speechmos is not installed: pip install '.[dnsmos]'"
)


@needs_network
def test_ratings_are_those_of_the_package() -> None:
    """The expected ones are by speechmos 0.0.1.1 with librosa."""
    expected = json.loads((Path(__file__).parents[1] / "data" / "dnsmos.json").read_text())
    river: NDArray[np.float32] = soundfile.read(DEMO / "river.wav", dtype="float32")[0]
    clips = {"river": river, "river_12_s": np.resize(river, 12 * dnsmos.RATE_HZ)}
    assert clips.keys() == expected.keys()
    for name, clip in clips.items():
        found = rate(clip)
        assert found is not None
        assert [found.sig, found.bak, found.ovrl] == pytest.approx(expected[name], abs=0.02)


@needs_network
def test_what_is_beyond_full_scale_is_cut_off() -> None:
    loud = np.full(WINDOW_SAMPLES, 4.0, np.float32)
    full = np.ones(WINDOW_SAMPLES, np.float32)
    assert rate(loud) == rate(full)


def test_no_samples_have_no_ratings() -> None:
    assert rate(np.zeros(0, np.float32)) is None


@needs_network
@pytest.mark.usefixtures("cache")
def test_an_installed_package_serves_as_it_is() -> None:
    assert model_file().parts[-3:] == ("speechmos", "dnsmos_models", "sig_bak_ovr.onnx")
    assert file_sha256(model_file()) == model_sha256()
    assert str(model_file().parent) in network_cards("ratings")["dnsmos"].status


@pytest.mark.usefixtures("cache")
def test_without_it_a_file_that_was_got_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beam_audio.models.network_card.locate", lambda _: None)
    with pytest.raises(ModelError, match=r"lacks sig_bak_ovr\.onnx: beam-audio models get dnsmos"):
        model_file()
    card = network_cards("ratings")["dnsmos"]
    card.folder.mkdir(parents=True)
    (card.folder / "sig_bak_ovr.onnx").write_bytes(b"another")
    with pytest.raises(ChecksumError, match=r"sig_bak_ovr\.onnx has sha256"):
        model_file()
