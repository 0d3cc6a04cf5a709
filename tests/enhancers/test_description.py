"""What a description may say, and how a person is told what it lacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.project import ROOT
from support.small_enhancers import write_enhancer

from beam_audio.enhancers.description import read_description
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_description_says_how_a_network_is_fed(tmp_path: Path) -> None:
    found = read_description(str(write_enhancer(tmp_path)))
    assert (found.model, found.sample_rate_hz, found.content) == ("small.onnx", 16_000, "spectrum")
    assert (found.frame_samples, found.hop_samples, found.frame_values) == (512, 256, 514)
    assert (found.input, found.output, found.states) == ("mix", "enh", {"count": "count_out"})
    waveform = write_enhancer(tmp_path, content="waveform")
    assert read_description(str(waveform)).frame_values == 512


def test_the_one_that_the_docs_show_is_a_description(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "enhance.md").read_text("utf-8")
    shown = page.partition("```json\n")[2].partition("```")[0]
    (tmp_path / "enhancer.json").write_text(shown, "utf-8")
    assert read_description(str(tmp_path)).model == "gtcrn_simple.onnx"


@pytest.mark.parametrize(
    ("described", "named"),
    [
        ({"modl": "a.onnx"}, "unknown key 'modl'; did you mean 'model'|unknown key 'modl'"),
        ({"model": "../small.onnx"}, "the name of a file beside it"),
        ({"input": 3}, "has input=3, which must be a name"),
        ({"hop_samples": 0}, "has hop_samples=0, which must be a whole number above 0"),
        ({"sample_rate_hz": True}, "has sample_rate_hz=True"),
        ({"frame_samples": 512.0}, "has frame_samples=512.0"),
        ({"hop_samples": 300}, "must be frame_samples=512 or at most half of it"),
        ({"content": "mel"}, "has content='mel', which must be spectrum or waveform"),
        ({"states": ["count"]}, "states that are not names"),
        ({"states": {"count": 1}}, "states that are not names"),
    ],
)
def test_a_wrong_description_is_told(tmp_path: Path, described: dict[str, Any], named: str) -> None:
    folder = write_enhancer(tmp_path, **described)
    with pytest.raises(ModelError, match=named):
        read_description(str(folder))


def test_a_folder_without_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no enhancer\.json: name a folder"):
        read_description(str(tmp_path))
    (tmp_path / "enhancer.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON that can be read"):
        read_description(str(tmp_path))
    (tmp_path / "enhancer.json").write_text("[]")
    with pytest.raises(ModelError, match="holds no JSON object"):
        read_description(str(tmp_path))
    (tmp_path / "enhancer.json").write_text(json.dumps({"model": "a.onnx"}))
    with pytest.raises(ModelError, match="lacks 'sample_rate_hz'"):
        read_description(str(tmp_path))
