from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.placeholder import PlaceholderRecognizer
from beam_audio.asr.recognizer import Recognizer, Request
from beam_audio.errors import ModelError
from beam_audio.models.card import load_card

RECOGNIZER: Recognizer = PlaceholderRecognizer(load_card("placeholder"))


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=level, size=int(16_000 * seconds)).astype(np.float32)


def test_its_facts_name_the_placeholder() -> None:
    assert RECOGNIZER.facts.model_id == "placeholder/none"
    assert len(RECOGNIZER.facts.model_sha256) == 64
    assert (RECOGNIZER.facts.sample_rate_hz, RECOGNIZER.facts.max_seconds) == (16_000, 30.0)
    assert RECOGNIZER.cost_seconds(3.5) == 3.5
    assert {"en", "sv", "yue"} <= RECOGNIZER.facts.languages
    assert PlaceholderRecognizer(load_card("placeholder"), "translate").facts.model_id.endswith(
        "/translate"
    )


def test_text_grows_with_length_and_follows_loudness() -> None:
    short, long, loud = RECOGNIZER.transcribe(
        [Request(noise(1)), Request(noise(4)), Request(noise(4, level=0.8))]
    )
    assert (len(short.text.split()), len(long.text.split())) == (2, 8)
    assert long.text != loud.text


def test_words_take_the_half_seconds_they_are_made_of() -> None:
    clip = np.concatenate([noise(0.5), np.zeros(8_000, np.float32), noise(0.25)])
    (found,) = RECOGNIZER.transcribe([Request(clip)])
    assert found.words is not None
    assert " ".join(word.word for word in found.words) == found.text
    edges = [(word.start_seconds, word.end_seconds) for word in found.words]
    assert edges == [(0.0, 0.5), (1.0, 1.25)]


def test_silence_has_no_text() -> None:
    (silent,) = RECOGNIZER.transcribe([Request(np.zeros(16_000, np.float32))])
    assert silent.text == ""
    assert silent.no_speech_prob == 1.0
    (empty,) = RECOGNIZER.transcribe([Request(np.zeros(0, np.float32))])
    assert (empty.text, empty.words) == ("", ())


def test_any_language_is_accepted() -> None:
    given_one, none = RECOGNIZER.transcribe([Request(noise(1), "tlh"), Request(noise(1))])
    assert (given_one.language, given_one.language_probability) == ("tlh", None)
    assert (none.language, none.language_probability) == ("en", 1.0)


@given(st.permutations(range(4)))
def test_neighbours_change_nothing(order: list[int]) -> None:
    clips = [Request(noise(0.5 + seed, seed=seed)) for seed in range(4)]
    alone = [RECOGNIZER.transcribe([clip])[0] for clip in clips]
    together = RECOGNIZER.transcribe([clips[index] for index in order])
    assert together == [alone[index] for index in order]


def test_clips_a_model_would_refuse_are_refused() -> None:
    with pytest.raises(ModelError, match="over 30"):
        RECOGNIZER.transcribe([Request(np.zeros(480_001, np.float32))])
    with pytest.raises(ModelError, match="not finite"):
        RECOGNIZER.transcribe([Request(np.full(10, np.nan, np.float32))])
