from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import export_random

from beam_audio.models.whisper.attention_graph import attention_model

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=16, decoder_layers=3)  # heads (0, 1) and (2, 0) follow time


def plainly(scores: np.ndarray) -> np.ndarray:
    """Softmax, z-score over tokens, median of seven frames, mean over heads; in float64."""
    powers = np.exp(scores - scores.max(axis=2, keepdims=True))
    weights = powers / powers.sum(axis=2, keepdims=True)
    z_scores = (weights - weights.mean(axis=1, keepdims=True)) / weights.std(axis=1, keepdims=True)
    padded = np.pad(z_scores, ((0, 0), (0, 0), (3, 3)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=2)
    return np.asarray(np.median(windows, axis=3).mean(axis=0))


def test_clips_of_all_lengths_have_their_own_attention(tmp_path: Path) -> None:
    config = export_random(SHAPE, random_weights(SHAPE), tmp_path)
    session = onnxruntime.InferenceSession(
        attention_model(config, "float32"), providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(3)
    query = rng.normal(size=(4, 2, 10, 8)).astype(np.float32)
    keys = {
        f"cross_key_{layer}": rng.normal(size=(4, 2, 8, 30)).astype(np.float32) for layer in (0, 2)
    }
    rows, tokens, frames = [2, 0, 3], [6, 4, 5], [21, 12, 9]
    mirrored = [np.pad(np.arange(count), 3, mode="reflect") for count in frames]
    feed = {
        "query": query,
        **keys,
        "rows": np.array(rows),
        "first": np.array([3]),
        "stop": np.array([9]),
        "positions": np.array([21]),
        "hidden": np.array(
            [[0.0] * count + [-1e30] * (21 - count) for count in frames], np.float32
        ),
        "fed": np.array([[1.0] * count + [0.0] * (6 - count) for count in tokens], np.float32),
        "columns": np.stack([np.resize(each, 27) for each in mirrored])[..., None],
    }
    (found,) = session.run(None, feed)
    assert found.shape == (3, 6, 21)
    for place, (row, fed, own) in enumerate(zip(rows, tokens, frames, strict=True)):
        asked = query[row, :, 3 : 3 + fed].astype(np.float64)
        heads = keys["cross_key_0"][row, 1], keys["cross_key_2"][row, 0]
        scores = np.stack([ask @ key[:, :own] for ask, key in zip(asked, heads, strict=True)])
        np.testing.assert_allclose(found[place, :fed, :own], plainly(scores), atol=1e-4)
