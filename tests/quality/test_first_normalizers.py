"""The first versions of the normalisers give what they always gave."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.first_normalizers import basic_1, english_1

WORDS = st.sampled_from(["a", "the", "cat", "sat", "Mat,", "on", "twenty", "one", "don't", "..."])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Mr. Colour's  can't, [noise] (laughs) uh", "mister color is can not"),
        ("twenty dollars and fifty cents", "$20.50"),
        ("It cost $20.50, he said.", "it cost $20.50 he said"),
        ("two hundred and one", "201"),
        ("1,000,000 people", "1000000 people"),
        ("ten percent", "10%"),
        # What the published normaliser does, wanted or not: error rates are compared with it.
        ("$20.50, twenty-one", "$20.5021"),
        ("$20, twenty one", "$2021"),
        ("$1.05", "one.05"),
        # What it leaves of an ellipsis at the end is no word.
        ("Well... yes...", "well yes"),
        ("...", ""),
    ],
)
def test_whisper_en_1_is_pinned(text: str, normalized: str) -> None:
    assert english_1(text) == normalized


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Ça va? «Très bien!»", "ça va très bien"),
        ("STRASSE [Musik] (lacht) Größe", "strasse größe"),
        ("नमस्ते, दुनिया।", "नमस्ते दुनिया"),
        ("你好\uff0c世界\uff01", "你好 世界"),
        ("cafe\u0301 \ufeffzero\u200bwidth ﬁn", "café zerowidth fin"),
        ("a [b", "a b"),
        ("  \n ", ""),
    ],
)
def test_basic_1_keeps_words_whole(text: str, normalized: str) -> None:
    assert basic_1(text) == normalized


@given(st.text(max_size=200) | TEXTS)
def test_normalizers_take_any_text(text: str) -> None:
    for normalizer in (english_1, basic_1):
        normalized = normalizer(text)
        assert normalized == " ".join(normalized.split())


@pytest.mark.parametrize("hostile", ["[", "<", "(", "'", " uh", "9", "[)", "a b "])
def test_normalizers_stay_fast_on_hostile_text(hostile: str) -> None:
    text = hostile * (100_000 // len(hostile))
    before = time.process_time()
    english_1(text)
    basic_1(text)
    assert time.process_time() - before < 5  # minutes, by the published patterns alone
