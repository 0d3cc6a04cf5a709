"""DNSMOS with the network of the package speechmos, which is skipped where it is not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.errors import ModelError
from beam_audio.quality import dnsmos
from beam_audio.quality.dnsmos import WINDOW_SAMPLES, model_file, rate

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
    assert rate(loud) == rate(np.ones(WINDOW_SAMPLES, np.float32))


def test_no_samples_have_no_ratings() -> None:
    assert rate(np.zeros(0, np.float32)) is None


def test_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "speechmos"
    (package / "dnsmos_models").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelError, match="cannot be read"):
        model_file()
    (package / "dnsmos_models" / "sig_bak_ovr.onnx").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"is not (that|the network) of speechmos 0\.0\.1\.1"):
        model_file()
