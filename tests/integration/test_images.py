"""The workers' image for CPUs, its Dockerfile replayed step by step, runs the demo.

The one for GPUs downloads two gigabytes of CUDA: ``make gpuimage`` replays it by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.replay import ROOT, demo, find_python, python_version, replay

DOCKERFILE = ROOT / "templates" / "worker-cpu.Dockerfile"

pytestmark = pytest.mark.integration


def test_the_steps_of_the_dockerfile_make_an_image_that_runs_the_demo(tmp_path: Path) -> None:
    image = replay(DOCKERFILE, tmp_path / "image", find_python(python_version(DOCKERFILE)))
    models = Path(image.environment()["BEAM_AUDIO_CACHE"]) / "models"
    built = {path.name.rpartition("-")[0] for path in models.iterdir()}
    assert built == {
        *("whisper-tiny.en-float32", "whisper-tiny.en-int8"),
        *("whisper-base-float32", "whisper-base-int8"),
    }
    shown = demo(image)
    assert "ledger        balances" in shown
    assert "walked home along the river" in shown
    launcher = Path(image.environment()["FLEX_TEMPLATE_PYTHON_PY_FILE"])
    assert launcher.read_bytes() == (ROOT / "templates" / "launcher.py").read_bytes()
