from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.whisper.word_times import align_words
from beam_audio.asr.words import WordTokens, split_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.types import Word

RATE_HZ = 16_000
NEAR = 0.0151  # a frame of 10 ms and a bit


def sound(
    seconds: float, *loud: tuple[float, float], noise_db: float | None = -70
) -> NDArray[np.float32]:
    """Faint noise with bursts of loud noise."""
    rng = np.random.default_rng(7)
    faint = 0.0 if noise_db is None else 10 ** (noise_db / 20)
    samples = faint * rng.normal(size=round(seconds * RATE_HZ))
    for start, end in loud:
        first, stop = round(start * RATE_HZ), round(end * RATE_HZ)
        samples[first:stop] += 0.1 * rng.normal(size=stop - first)
    return samples.astype(np.float32)


def align(
    samples: NDArray[np.float32], texts: list[str], *seconds: tuple[float, float]
) -> tuple[Word, ...]:
    """Words of one token each, at these times by attention."""
    frames = np.array([[round(time / 0.02) for time in pair] for pair in seconds], np.int64)
    return align_words(
        samples,
        frames.reshape(-1, 2),
        words_of(texts),
        [-0.1 * token for token in range(len(texts))],
    )


def words_of(texts: list[str]) -> list[WordTokens]:
    return split_words(
        range(len(texts)), lambda tokens: "".join(texts[token] for token in tokens), "en"
    )


def times(words: tuple[Word, ...]) -> list[float]:
    return [time for word in words for time in (word.start_seconds, word.end_seconds)]


@pytest.mark.parametrize("noise_db", [None, -70, -50])
def test_words_begin_and_end_where_the_sound_does(noise_db: float | None) -> None:
    """Silence before the first word is cut off, and sound after the last word is added."""
    samples = sound(2.0, (0.3, 0.7), (0.9, 1.5), noise_db=noise_db)
    words = align(samples, [" one", " two"], (0.0, 0.6), (0.6, 1.3))
    np.testing.assert_allclose(times(words), [0.3, 0.7, 0.9, 1.5], atol=NEAR)
    assert [word.word for word in words] == ["one", "two"]


def test_a_border_moves_to_the_pause_beside_it_even_into_the_next_word() -> None:
    samples = sound(2.0, (0.0, 0.5), (0.7, 2.0))
    words = align(samples, [" one", " two"], (0.0, 0.86), (0.86, 2.0))
    np.testing.assert_allclose(times(words), [0.0, 0.5, 0.7, 2.0], atol=NEAR)


def test_a_pause_far_from_any_border_is_inside_a_word() -> None:
    samples = sound(2.0, (0.0, 0.4), (0.5, 2.0))
    words = align(samples, [" one", " two"], (0.0, 1.2), (1.2, 2.0))
    np.testing.assert_allclose(times(words), [0.0, 1.2, 1.2, 2.0], atol=NEAR)


def test_the_closure_of_a_plosive_is_no_pause() -> None:
    samples = sound(1.0, (0.0, 0.45), (0.5, 1.0))
    words = align(samples, [" one", " two"], (0.0, 0.4), (0.4, 1.0))
    np.testing.assert_allclose(times(words), [0.0, 0.4, 0.4, 1.0], atol=NEAR)


def test_loud_noise_leaves_attention_as_it_is() -> None:
    samples = sound(2.0, (0.0, 2.0))
    words = align(samples, [" one", " two"], (0.0, 0.62), (0.62, 1.3))
    np.testing.assert_allclose(times(words)[:3], [0.0, 0.62, 0.62], atol=1e-9)


def test_a_first_word_that_swallowed_a_noise_lets_it_go() -> None:
    samples = sound(6.0, (0.2, 0.3), (4.0, 4.4), (4.5, 4.8), (4.9, 5.2))
    words = align(samples, [" one", " two", " three"], (0.0, 4.4), (4.4, 4.84), (4.84, 5.2))
    np.testing.assert_allclose(times(words), [4.0, 4.4, 4.5, 4.8, 4.9, 5.2], atol=NEAR)


def test_a_last_word_that_swallowed_a_noise_lets_it_go() -> None:
    samples = sound(6.0, (0.0, 0.4), (0.5, 0.8), (0.9, 1.2), (5.0, 5.5))
    words = align(samples, [" one", " two", " three"], (0.0, 0.4), (0.4, 0.84), (0.84, 5.0))
    np.testing.assert_allclose(times(words), [0.0, 0.4, 0.5, 0.8, 0.9, 1.2], atol=NEAR)


def test_the_last_word_of_a_sentence_does_not_last_until_the_next() -> None:
    samples = sound(6.0, (0.0, 0.4), (0.5, 0.9), (2.0, 2.1), (5.0, 5.4))
    words = align(samples, [" one", " two.", " three"], (0.0, 0.4), (0.4, 4.9), (4.9, 5.4))
    np.testing.assert_allclose(times(words), [0.0, 0.4, 0.5, 0.9, 5.0, 5.4], atol=NEAR)


def test_a_word_longer_than_any_is_cut_without_a_pause_too() -> None:
    samples = sound(9.0, (0.0, 9.0))
    words = align(samples, [" one", " two", " three"], (0.0, 5.0), (5.0, 5.3), (5.3, 9.0))
    assert words[0].start_seconds > 3
    assert words[2].end_seconds < 7


def test_probability_is_the_mean_over_the_tokens() -> None:
    frames = np.array([[0, 10], [10, 20], [20, 30]])
    (word,) = align_words(
        sound(1.0),
        frames,
        words_of([" so", "me", "."]),
        np.log([0.5, 0.9, 0.1]).tolist(),
    )
    assert word.word == "some."
    assert word.probability == pytest.approx(0.7)
    # The full stop's time is not part of the word; constant faint noise has no pause to end it at.
    assert word.start_seconds == 0


def test_no_text_has_no_words_and_no_clip_no_time() -> None:
    assert align(sound(1.0), []) == ()
    words = align(np.zeros(0, np.float32), [" a", " b"], (0, 0), (0, 0))
    assert times(words) == [0, 0, 0, 0]


levels = st.lists(st.sampled_from([0.0, 1e-4, 1e-2, 0.5]), max_size=60)


@given(levels, st.integers(0, 799), st.data())
def test_words_are_in_order_and_inside_the_clip(
    amplitudes: list[float], rest: int, data: st.DataObject
) -> None:
    """Any sound in steps of 50 ms, and any borders that never go back."""
    rng = np.random.default_rng(len(amplitudes))
    samples = np.repeat(np.array([*amplitudes, 0.1], np.float32), 800)[
        : len(amplitudes) * 800 + rest
    ]
    samples = samples * rng.normal(size=len(samples)).astype(np.float32)
    last = -(-len(samples) // 320)
    borders = sorted(data.draw(st.lists(st.integers(0, last), min_size=2, max_size=12)))
    pairs = list(itertools.pairwise(borders))
    endings = st.sampled_from(["", ".", ",", " ...", "!"])
    texts = [f" w{data.draw(endings)}" for _ in pairs]
    words = align(samples, texts, *((first * 0.02, stop * 0.02) for first, stop in pairs))
    found = times(words)
    assert found == sorted(found)
    assert all(0 <= time <= len(samples) / RATE_HZ for time in found)
