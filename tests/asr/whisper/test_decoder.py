from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import LANGUAGES, START, NumpyWhisper, Shape, random_weights
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.padding import EncoderInput, encoder_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.asr.whisper.batches import EncodedClips
    from beam_audio.asr.whisper.graphs import WhisperGraphs

SHAPE = Shape(width=16)
WEIGHTS = random_weights(SHAPE)
CONTEXT = [50362, 11]
PROMPTS = [[50258, 50259, 50364], [50258, 50260, 50364], [50258, 50261, 50364]]
NO_SPEECH = 50363


@pytest.fixture(scope="module", params=[False, True], ids=["any size", "fixed sizes"])
def graphs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> WhisperGraphs:
    folder = tmp_path_factory.mktemp("random")
    return load_random(SHAPE, WEIGHTS, folder, fixed=request.param)[0]


@pytest.fixture(scope="module")
def clips() -> list[EncoderInput]:
    """Three clips of unequal length, condensed."""
    rng = np.random.default_rng(3)
    return [
        encoder_input(rng.normal(size=length).astype(np.float32), SHAPE.bands, "condensed")
        for length in (4_000, 48_000, 479_900)
    ]


@pytest.fixture(scope="module")
def encoded(graphs: WhisperGraphs, clips: list[EncoderInput]) -> EncodedClips:
    return graphs.encode(graphs.prepare(clips))


def probs_of(clip: EncoderInput, tokens: list[int]) -> NDArray[np.float64]:
    network = NumpyWhisper(WEIGHTS, SHAPE)
    members = np.rint(np.exp(clip.log_members)).astype(int)
    hidden = network.encode(clip.log_mel, clip.source.tolist(), members.tolist())
    logits = network.logits(tokens, hidden)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("context", [[], CONTEXT])
def test_a_prompt_gives_the_first_token_and_the_probability_of_silence(
    graphs: WhisperGraphs, clips: list[EncoderInput], encoded: EncodedClips, context: list[int]
) -> None:
    prompts = [[*context, *prompt] for prompt in PROMPTS]
    started = graphs.decoder.read(encoded, prompts, len(context))
    for row, clip in enumerate(clips):
        probs = probs_of(clip, prompts[row])
        assert started.no_speech_probs[row] == pytest.approx(
            probs[len(context), NO_SPEECH], rel=1e-3
        )
        hidden = [1, 2, 7, 220, 50257]
        last = probs[-1]
        last[hidden] = 0
        last /= last.sum()
        assert started.tokens[row] == last.argmax()
        assert started.logprobs[row] == pytest.approx(np.log(last.max()), abs=1e-3)


def test_language_probabilities_are_over_languages_alone(
    graphs: WhisperGraphs, clips: list[EncoderInput], encoded: EncodedClips
) -> None:
    found = graphs.decoder.language_probs(encoded, [None, None, None])
    for row, clip in enumerate(clips):
        expected = probs_of(clip, [START])[0, START + 1 : START + 1 + len(LANGUAGES)]
        np.testing.assert_allclose(found[row], expected / expected.sum(), atol=1e-5)


def test_a_language_is_listened_for_in_a_span_alone(
    graphs: WhisperGraphs, encoded: EncodedClips
) -> None:
    whole = graphs.decoder.language_probs(encoded, [None, None, None])
    found = graphs.decoder.language_probs(encoded, [None, slice(20, 90), None])
    np.testing.assert_allclose(found[[0, 2]], whole[[0, 2]], atol=1e-6)
    assert np.abs(found[1] - whole[1]).max() > 1e-4
    again = graphs.decoder.language_probs(encoded, [None, None, None])
    np.testing.assert_array_equal(again, whole)
