"""The Whisper recogniser with random weights, against plain numpy."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import (
    END,
    LANGUAGES,
    NO_TIMESTAMPS,
    START,
    SUPPRESSED,
    SUPPRESSED_FIRST,
    NumpyWhisper,
    Shape,
    random_weights,
)
from support.random_whisper_models import build_random

from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Request
from beam_audio.asr.whisper.log_mel import log_mel
from beam_audio.asr.whisper.recognizer import WhisperRecognizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.models.build import BuiltModel


SHAPE = Shape(width=16)
MOST_TOKENS = 224


def noise(seconds: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=int(16_000 * seconds)).astype(np.float32)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> BuiltModel:
    return build_random(SHAPE, tmp_path_factory.mktemp("random"))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def greedy(
    samples: NDArray[np.float32], prompt: list[int], count: int
) -> tuple[list[int], float, float]:
    """First tokens, sum of their log probabilities, and the no-speech probability."""
    network = NumpyWhisper(random_weights(SHAPE), SHAPE)
    hidden = network.encode(log_mel(samples, SHAPE.bands))
    tokens, total, no_speech = list(prompt), 0.0, 0.0
    for step in range(count):
        logits = network.logits(tokens, hidden)
        if not step:
            no_speech = float(softmax(logits[prompt.index(START)])[NO_TIMESTAMPS - 1])
        last = logits[-1]
        last[list(SUPPRESSED)] = -np.inf
        if not step:
            last[list(SUPPRESSED_FIRST)] = -np.inf
        tokens.append(int(last.argmax()))
        total += float(np.log(softmax(last)[tokens[-1]]))
    return tokens[len(prompt) :], total, no_speech


def test_tokens_and_probabilities_are_those_of_the_reference(random_model: BuiltModel) -> None:
    recognizer = WhisperRecognizer(random_model, ModelOptions(provider="cpu", safeguards=False))
    clips = [noise(2, 1), noise(30, 2)]
    found = recognizer.transcribe([Request(clip, "de") for clip in clips])
    for clip, transcript in zip(clips, found, strict=True):
        prompt = [START, START + 1 + LANGUAGES.index("de"), NO_TIMESTAMPS - 4, NO_TIMESTAMPS]
        tokens, _, no_speech = greedy(clip, prompt, 8)
        assert transcript.token_ids[:8] == tuple(tokens)
        assert transcript.no_speech_prob == pytest.approx(no_speech, rel=1e-3)
        assert (transcript.language, transcript.language_probability) == ("de", None)


def test_confidence_is_the_mean_over_the_tokens_and_the_end(random_model: BuiltModel) -> None:
    recognizer = WhisperRecognizer(random_model, ModelOptions(provider="cpu", safeguards=False))
    (found,) = recognizer.transcribe([Request(noise(2, 1), "de")])
    prompt = [START, START + 1 + LANGUAGES.index("de"), NO_TIMESTAMPS - 4, NO_TIMESTAMPS]
    network = NumpyWhisper(random_weights(SHAPE), SHAPE)
    hidden = network.encode(log_mel(noise(2, 1), SHAPE.bands))
    heard = list(found.token_ids)
    logits = network.logits([*prompt, *heard], hidden)[len(prompt) - 1 :]
    logits[:, list(SUPPRESSED)] = -np.inf
    logits[0, list(SUPPRESSED_FIRST)] = -np.inf
    total = sum(np.log(softmax(each)[token]) for each, token in zip(logits, heard, strict=False))
    if len(heard) < MOST_TOKENS:
        total += np.log(softmax(logits[len(heard)])[END])
    assert found.avg_logprob == pytest.approx(total / (len(heard) + 1), abs=1e-4)


def test_language_probability_is_over_languages_alone(random_model: BuiltModel) -> None:
    (found,) = WhisperRecognizer(random_model, ModelOptions(provider="cpu")).transcribe(
        [Request(noise(2, 1))]
    )
    network = NumpyWhisper(random_weights(SHAPE), SHAPE)
    logits = network.logits([START], network.encode(log_mel(noise(2, 1), SHAPE.bands)))[0]
    probabilities = softmax(logits[START + 1 : START + 1 + len(LANGUAGES)])
    assert found.language == LANGUAGES[int(probabilities.argmax())]
    assert found.language_probability == pytest.approx(float(probabilities.max()), rel=1e-3)


@pytest.mark.parametrize("words", [0, 3, 1000])
def test_a_text_never_outgrows_the_model(random_model: BuiltModel, words: int) -> None:
    """224 tokens; after the longest prompt 448 - (1 + 223 + 4) = 220."""
    prompt = " ".join(f"w{word}" for word in range(words))
    recognizer = WhisperRecognizer(
        random_model, ModelOptions(provider="cpu", prompt=prompt, safeguards=False)
    )
    (found,) = recognizer.transcribe([Request(noise(2, 1), "en")])
    assert END not in found.token_ids
    assert len(found.token_ids) == (220 if words == 1000 else 224)


def test_unsure_texts_are_drawn_again_by_their_seed_alone(tmp_path: Path) -> None:
    """A model with random weights is sure of nothing; this one writes no more than 20 tokens."""
    model = build_random(Shape(width=16, positions=40), tmp_path)
    recognizer = WhisperRecognizer(model, ModelOptions(provider="cpu"))
    careless = WhisperRecognizer(model, ModelOptions(provider="cpu", safeguards=False))
    requests = [Request(noise(1, clip), "en", seed) for clip, seed in ((1, 3), (1, 4), (2, 3))]
    together = recognizer.transcribe(requests)
    for request, found in zip(requests, together, strict=True):
        (alone,) = recognizer.transcribe([request])
        assert (alone.text, alone.token_ids) == (found.text, found.token_ids)
    (likeliest,) = careless.transcribe(requests[:1])
    assert len({transcript.token_ids for transcript in (likeliest, *together)}) > 2


def test_a_recognizer_can_be_referenced_weakly(random_model: BuiltModel) -> None:
    recognizer = WhisperRecognizer(random_model, ModelOptions(provider="cpu"))
    reference = weakref.ref(recognizer)
    assert reference() is recognizer
    del recognizer
    gc.collect()
    assert reference() is None
