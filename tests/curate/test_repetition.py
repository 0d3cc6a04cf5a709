"""Signs of repetition in many texts at once are those of each text."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from beam_audio.curate.repetition import WordCounts
from beam_audio.quality.text import is_repetitive, unique_word_ratio

ODD = (
    *("", " ", "...", "-- --", "a", "no no no", "no, No! NO? no.", "a\tb\x1fc a b c a b", "\x00 a"),
    *("don't stop don't stop don't stop don't stop", "über über über über", "a_b a-b a b a/b"),
    *(
        "\uff41 a \uff21 A",
        "今天今天今天今天今天今天今天今天",
        "ab " * 500,
        "so so so so far",
    ),
)


def counts(texts: list[str], languages: list[str | None]) -> WordCounts:
    return WordCounts.of(pa.array(texts, pa.string()), np.array(languages, dtype=object))


def check(texts: list[str], languages: list[str | None]) -> None:
    found = counts(texts, languages)
    pairs = list(zip(texts, languages, strict=True))
    assert found.are_repetitive().tolist() == [is_repetitive(*each) for each in pairs]
    ratios = [unique_word_ratio(*each) for each in pairs]
    assert [None if np.isnan(each) else each for each in found.unique_word_ratios()] == ratios


def test_odd_texts_are_seen_as_one_by_one() -> None:
    for language in ("en", "zh", None, "no such language"):
        check(list(ODD), [language] * len(ODD))


def test_texts_in_circles_are_found_among_others() -> None:
    choose = random.Random(3)
    texts, languages = [], []
    for _ in range(600):
        words = choose.choices("abcdefghijklmnop", k=choose.randrange(1, 12))
        circles = choose.choice((1, 1, 2, 4, 5))
        noise = choose.choices("qrstuvwxyz,.", k=choose.randrange(0, 60))
        texts.append(" ".join([*noise[:20], *(words * circles), *noise[20:]]))
        languages.append(choose.choice(("en", "de", "ja", None)))
    check(texts, languages)
    found = counts(texts, languages).are_repetitive()
    assert 0.05 < found.mean() < 0.6


def test_no_text_at_all() -> None:
    assert counts([], []).are_repetitive().tolist() == []
    assert counts(["今天"], ["zh"]).are_repetitive().tolist() == [False]
