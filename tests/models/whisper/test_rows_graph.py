from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import export_random

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=16)
ROWS = [3, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random")
    export_random(SHAPE, random_weights(SHAPE), folder)
    return folder


@pytest.mark.parametrize("name", ["rows", "audio_rows"])
def test_rows_are_taken_in_the_order_asked_for(folder: Path, name: str) -> None:
    session = onnxruntime.InferenceSession(
        folder / f"{name}.onnx", providers=["CPUExecutionProvider"]
    )
    sizes = {"b": 4, "s": 6, "n": 9}
    rng = np.random.default_rng(3)
    given = {
        entry.name: rng.normal(size=[sizes.get(size, size) for size in entry.shape])
        for entry in session.get_inputs()
        if entry.name not in {"rows", "positions"}
    }
    feed = {key: value.astype(np.float32) for key, value in given.items()}
    positions = {"positions": np.array([5])} if name == "audio_rows" else {}
    found = session.run(None, {**feed, "rows": np.array(ROWS), **positions})
    kept = dict(zip([entry.name for entry in session.get_outputs()], found, strict=True))
    assert kept.keys() == {f"kept_{key}" for key in feed}
    for key, value in feed.items():
        expected = value[ROWS]
        if name == "audio_rows":  # the first five of nine positions
            expected = expected[:, :, :5] if "value" in key else expected[..., :5]
        np.testing.assert_array_equal(kept[f"kept_{key}"], expected)
