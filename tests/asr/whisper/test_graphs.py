from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import NumpyWhisper, Shape, random_weights
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.padding import EncoderInput, encoder_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.asr.whisper.graphs import WhisperGraphs

SHAPE = Shape(width=16)


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> WhisperGraphs:
    graphs, _ = load_random(SHAPE, random_weights(SHAPE), tmp_path_factory.mktemp("random"))
    return graphs


@pytest.fixture(scope="module")
def clips() -> list[EncoderInput]:
    """Three clips of unequal length, condensed."""
    rng = np.random.default_rng(3)
    return [
        encoder_input(rng.normal(size=length).astype(np.float32), SHAPE.bands, "condensed")
        for length in (4_000, 48_000, 479_900)
    ]


TOKENS = np.array([[50258, 11], [50258, 12], [50258, 13]])


def test_the_provider_is_the_sessions(graphs: WhisperGraphs) -> None:
    assert graphs.provider == "CPUExecutionProvider"


def expected_logits(clip: EncoderInput, tokens: list[int]) -> NDArray[np.float64]:
    reference = NumpyWhisper(random_weights(SHAPE), SHAPE)
    members = np.rint(np.exp(clip.log_members)).astype(int)
    return reference.logits(
        tokens, reference.encode(clip.log_mel, clip.source.tolist(), members.tolist())
    )


def test_steps_compute_what_the_reference_does(
    graphs: WhisperGraphs, clips: list[EncoderInput]
) -> None:
    first = graphs.step(graphs.encode(clips), TOKENS, [0, 1])
    second = graphs.step(first.state, TOKENS[:, 1:], [0])
    for row, clip in enumerate(clips):
        tokens = [*TOKENS[row].tolist(), int(TOKENS[row, 1])]
        expected = expected_logits(clip, tokens)
        found = np.concatenate([first.logits[row], second.logits[row]])
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_alignment_reaches_over_the_clip(graphs: WhisperGraphs, clips: list[EncoderInput]) -> None:
    state = graphs.encode(clips)
    assert state.contents == (15, 152, 1500)
    assert graphs.step(state, TOKENS, [0]).alignment.shape == (3, 2, 2, 1500)


def test_a_state_can_be_used_again(graphs: WhisperGraphs, clips: list[EncoderInput]) -> None:
    state = graphs.encode(clips)
    first, again = (graphs.step(state, TOKENS, [1]).logits for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("kept", [[2, 0], [1], [0, 1]])
def test_kept_rows_go_on_as_if_alone(
    graphs: WhisperGraphs, clips: list[EncoderInput], kept: list[int]
) -> None:
    state = graphs.keep_rows(graphs.step(graphs.encode(clips), TOKENS, [1]).state, np.array(kept))
    following = np.array([[5 + place] for place in range(len(kept))])
    found = graphs.step(state, following, [0])
    assert state.contents == tuple(clips[row].content for row in kept)
    assert found.alignment.shape[-1] == max(clips[row].positions for row in kept)
    for place, row in enumerate(kept):
        alone = graphs.step(graphs.encode([clips[row]]), TOKENS[row : row + 1], [1]).state
        expected = graphs.step(alone, following[place : place + 1], [0]).logits
        np.testing.assert_allclose(found.logits[place], expected[0], atol=1e-4)
