from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.whisper.safeguards import TEMPERATURES, Attempt, draw, draw_noise

LOOP = "I am going to the shop. " * 12
SPEECH = "There were two of them, and neither had seen the river before that day."


def attempt(text: str, avg_logprob: float = -0.3, no_speech_prob: float = 0.01) -> Attempt:
    return Attempt(text, "en", avg_logprob, no_speech_prob)


@pytest.mark.parametrize(
    ("tried", "safe", "silence"),
    [
        (attempt(SPEECH), True, False),
        (attempt(""), True, False),
        (attempt(SPEECH, -1.0), True, False),
        (attempt(SPEECH, -1.00004), True, False),  # rounded to four decimals first
        (attempt(SPEECH, -1.001), False, False),
        (attempt(LOOP), False, False),
        (attempt("no no no no no"), False, False),
        (attempt("no no no"), True, False),
        # Silence needs both: no speech detected, and a text the model is unsure of.
        (attempt(SPEECH, -1.2, 0.7), True, True),
        (attempt(LOOP, -1.2, 0.7), True, True),
        (attempt(SPEECH, -0.9, 0.7), True, False),
        (attempt(LOOP, -0.9, 0.7), False, False),
        (attempt(SPEECH, -1.2, 0.6), False, False),
    ],
)
def test_when_a_clip_is_decoded_again(tried: Attempt, safe: bool, silence: bool) -> None:  # noqa: FBT001 (a table)
    assert (tried.is_safe, tried.is_silence) == (safe, silence)


def test_the_surest_of_the_unsafe_that_do_not_repeat_is_best() -> None:
    loop, unsure, unsurer = attempt(LOOP, -0.1), attempt(SPEECH, -1.2), attempt(SPEECH, -2.0)
    assert max([unsurer, loop, unsure], key=lambda tried: tried.merit) == unsure
    assert max([attempt(LOOP, -0.9), loop], key=lambda tried: tried.merit) == loop


def test_noise_is_the_same_again_and_another_for_another_draw() -> None:
    draws = [
        draw_noise(seed, temperature, step, 50)
        for seed in (0, 1, -1, 2**70 + 5)
        for temperature in TEMPERATURES[1:]
        for step in (0, 1, 223)
    ]
    assert len({draw.tobytes() for draw in draws}) == len(draws)
    np.testing.assert_array_equal(draw_noise(5, 0.2, 3, 50), draw_noise(5, 0.2, 3, 50))
    # The first values do not depend on how many are drawn: the vocabulary's size has no effect.
    np.testing.assert_array_equal(draw_noise(5, 0.2, 3, 50)[:20], draw_noise(5, 0.2, 3, 20))


def test_noise_is_what_it_was() -> None:
    """Texts of old runs can be reproduced: the draws do not depend on numpy's version."""
    expected = [3.605788, 1.611309, 0.003014]
    np.testing.assert_allclose(draw_noise(17, 0.4, 2, 3), expected, atol=1e-5)


def test_noise_follows_the_gumbel_distribution() -> None:
    noise = np.sort(draw_noise(3, 1.0, 0, 100_000))
    places = (np.arange(len(noise)) + 0.5) / len(noise)
    assert np.abs(np.exp(-np.exp(-noise)) - places).max() < 0.01
    assert np.isfinite(noise).all()


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_tokens_are_drawn_with_their_probabilities(temperature: float) -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    draws = 20_000
    noise = draw_noise(1, temperature, 0, 4 * draws).reshape(draws, 4)
    chosen, _ = draw(np.tile(logits, (draws, 1)), temperature, noise)
    wanted = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    np.testing.assert_allclose(np.bincount(chosen, minlength=4) / draws, wanted, atol=0.015)


@given(
    st.lists(
        st.lists(st.floats(-20, 20, width=32), min_size=6, max_size=6), min_size=1, max_size=4
    ),
    st.sampled_from(TEMPERATURES[1:]),
    st.sets(st.integers(0, 5), max_size=5),
)
def test_draws_are_allowed_and_have_their_log_probability(
    rows: list[list[float]], temperature: float, hidden: set[int]
) -> None:
    logits = np.array(rows, np.float32)
    logits[:, list(hidden)] = -np.inf
    noise = np.stack([draw_noise(row, temperature, 0, 6) for row in range(len(rows))])
    chosen, logprobs = draw(logits, temperature, noise)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, (token, logprob) in enumerate(zip(chosen, logprobs, strict=True)):
        assert int(token) not in hidden
        assert logprob == pytest.approx(np.log(probabilities[row, token]), abs=1e-4)
