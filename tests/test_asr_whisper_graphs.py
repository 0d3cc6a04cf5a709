from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from random_whisper import NumpyWhisper, Shape, random_weights, write_huggingface

from beam_audio.asr.whisper_graphs import WhisperGraphs
from beam_audio.models.whisper_checkpoint import read_huggingface_whisper
from beam_audio.models.whisper_export import export_whisper

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = Shape(width=16)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> WhisperGraphs:
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    write_huggingface(source, random_weights(SHAPE), SHAPE)
    checkpoint = read_huggingface_whisper({path.name: path for path in source.iterdir()})
    export_whisper(checkpoint, target)
    return WhisperGraphs(
        target,
        checkpoint.config.dimensions,
        provider="cpu",
        require_provider=True,
        threads=1,
    )


@pytest.fixture(scope="module")
def features() -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=(SHAPE.bands, 3000)).astype(np.float32) for _ in range(3)]


TOKENS = np.array([[50258, 11], [50258, 12], [50258, 13]])


def test_the_provider_is_the_sessions(graphs: WhisperGraphs) -> None:
    assert graphs.provider == "CPUExecutionProvider"


def test_steps_compute_what_the_reference_does(
    graphs: WhisperGraphs, features: list[NDArray[np.float32]]
) -> None:
    state = graphs.encode(features)
    first, state = graphs.step(state, TOKENS, [0, 1])
    second, _ = graphs.step(state, TOKENS[:, 1:], [0])
    reference = NumpyWhisper(random_weights(SHAPE), SHAPE)
    for row, clip in enumerate(features):
        tokens = [*TOKENS[row].tolist(), int(TOKENS[row, 1])]
        expected = reference.logits(tokens, reference.encode(clip))
        found = np.concatenate([first[row], second[row]])
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_state_can_be_used_again(
    graphs: WhisperGraphs, features: list[NDArray[np.float32]]
) -> None:
    state = graphs.encode(features)
    first, _ = graphs.step(state, TOKENS, [1])
    again, _ = graphs.step(state, TOKENS, [1])
    assert np.array_equal(first, again)


def test_kept_rows_go_on_as_if_alone(
    graphs: WhisperGraphs, features: list[NDArray[np.float32]]
) -> None:
    _, state = graphs.step(graphs.encode(features), TOKENS, [1])
    rows = np.array([2, 0])
    kept, _ = graphs.step(graphs.keep_rows(state, rows), np.array([[5], [6]]), [0])
    for place, row in enumerate(rows):
        _, alone = graphs.step(graphs.encode([features[row]]), TOKENS[row : row + 1], [1])
        expected, _ = graphs.step(alone, np.array([[5 + place]]), [0])
        np.testing.assert_allclose(kept[place], expected[0], atol=1e-4)
