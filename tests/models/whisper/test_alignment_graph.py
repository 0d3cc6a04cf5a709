from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import export_random

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=16, decoder_layers=3)  # heads (0, 1) and (2, 0) follow time


def test_scores_are_of_the_tokens_and_the_audio_of_one_clip(tmp_path: Path) -> None:
    export_random(SHAPE, random_weights(SHAPE), tmp_path)
    session = onnxruntime.InferenceSession(
        tmp_path / "alignment.onnx", providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(3)
    query = rng.normal(size=(4, 2, 10, 8)).astype(np.float32)
    keys = {
        f"cross_key_{layer}": rng.normal(size=(4, 2, 8, 30)).astype(np.float32) for layer in (0, 2)
    }
    assert {entry.name for entry in session.get_inputs()} == {"query", "first", "stop", *keys}
    bounds = {"first": np.array([2, 3, 0]), "stop": np.array([3, 9, 21])}
    (scores,) = session.run(None, {"query": query, **keys, **bounds})
    assert scores.shape == (1, 2, 6, 21)
    for place, (layer, head) in enumerate(((0, 1), (2, 0))):
        expected = query[2, place, 3:9] @ keys[f"cross_key_{layer}"][2, head, :, :21]
        np.testing.assert_allclose(scores[0, place], expected, rtol=1e-5, atol=1e-5)
