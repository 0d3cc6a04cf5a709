"""Classifiers as ONNX give what the pipelines of ``transformers`` give on the same weights."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.project import ROOT

from beam_audio.audio.decode import decode, resample
from beam_audio.unit.classification import classify

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = ROOT / ".venv-readers" / "bin" / "python"
PROGRAM = ROOT / "tests" / "support" / "transformers_exports.py"
RIVER = ROOT / "beam_audio" / "data" / "demo" / "river.wav"
CANDIDATES = ("a dog", "rain on a roof", "Music")
TEMPLATE = "One hears {}."
RATES_HZ = {"short": 16_000, "long": 16_000, "wide": 48_000}

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    audio = decode(RIVER)
    samples = resample(audio.samples, audio.sample_rate_hz, 16_000)
    np.savez(
        folder / "clips.npz",
        short=samples[:20_000],
        long=samples[:40_000],
        wide=resample(samples[:48_000], 16_000, 48_000),
    )
    ran = subprocess.run(
        [PYTHON, PROGRAM, folder],
        env=os.environ | {"HOME": str(folder), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.mark.parametrize("name", ["wav2vec2", "hubert", "ast", "clap", "clap-fusion"])
def test_labels_and_scores_are_those_of_the_pipeline(exports: Path, name: str) -> None:
    pipelines: dict[str, Any] = json.loads((exports / "expected.json").read_text())[name]
    clips = np.load(exports / "clips.npz")
    labels = CANDIDATES if name.startswith("clap") else ()
    for clip, expected in pipelines.items():
        found = classify(
            clips[clip],
            model=exports / name,
            candidate_labels=labels,
            hypothesis_template=TEMPLATE,
            most_labels=len(expected),
            sample_rate_hz=RATES_HZ[clip],
        )
        assert [each["label"] for each in found.labels] == [each["label"] for each in expected]
        scores = [each["score"] for each in found.labels]
        assert scores == pytest.approx([each["score"] for each in expected], abs=1e-4)
