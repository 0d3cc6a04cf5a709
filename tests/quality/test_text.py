"""Normalising, repetition, rates."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import ConfigError
from beam_audio.quality.text import (
    Normalizer,
    chars_per_second,
    compression_ratio,
    is_repetitive,
    normalizer_for,
    unique_word_ratio,
    words_per_second,
)

ENGLISH = Normalizer("whisper-en-1")
BASIC = Normalizer("basic-1")

WORDS = st.sampled_from(["a", "the", "cat", "sat", "Mat,", "on", "twenty", "one", "don't", "..."])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("language", "normalizer_id"),
    [
        ("en", "whisper-en-1"),
        ("en-GB", "whisper-en-1"),
        ("EN_us", "whisper-en-1"),
        ("de", "basic-1"),
        ("zh", "basic-1"),
        ("enx", "basic-1"),
        (None, "basic-1"),
    ],
)
def test_language_chooses_the_normalizer(language: str | None, normalizer_id: str) -> None:
    assert normalizer_for(language).normalizer_id == normalizer_id


def test_a_normalizer_can_be_forced_and_a_wrong_one_is_named() -> None:
    assert normalizer_for("en", "none")(" As  IS ") == " As  IS "
    with pytest.raises(ConfigError, match=r"'basic1'; did you mean 'basic-1'"):
        normalizer_for("en", "basic1")
    with pytest.raises(ConfigError, match="known are auto, whisper-en-1, basic-1, none"):
        normalizer_for("en", "?")


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
def test_english_normalizer_is_pinned(text: str, normalized: str) -> None:
    assert ENGLISH(text) == normalized


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
def test_basic_normalizer_keeps_words_whole(text: str, normalized: str) -> None:
    assert BASIC(text) == normalized


@given(st.text(max_size=200) | TEXTS)
def test_normalizers_take_any_text(text: str) -> None:
    for normalizer in (ENGLISH, BASIC):
        normalized = normalizer(text)
        assert normalized == " ".join(normalized.split())


@pytest.mark.parametrize("hostile", ["[", "<", "(", "'", " uh", "9", "[)", "a b "])
def test_normalizers_stay_fast_on_hostile_text(hostile: str) -> None:
    text = hostile * (100_000 // len(hostile))
    before = time.process_time()
    ENGLISH(text)
    BASIC(text)
    assert time.process_time() - before < 5  # minutes, by the published patterns alone


def test_compression_ratio_rises_with_repetition() -> None:
    plain = compression_ratio("Printing, in the only sense with which we are at present concerned.")
    again = compression_ratio("thank you for watching " * 20)
    assert plain is not None
    assert again is not None
    assert plain < 1.5
    assert again > 2.4
    assert compression_ratio("é" * 15) is None
    assert compression_ratio("é" * 16) is not None
    assert compression_ratio("\ud800" * 40) is not None  # JSON can carry half a surrogate pair


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("No, no. NO no!", "en", True),  # one of four words
        ("no no no", "en", False),  # too few words to tell
        ("a b c a b", "en", False),  # 0.6
        ("a b a b a", "en", True),  # 0.4
        ("", "en", False),
        ("哈哈哈哈哈哈哈哈哈哈哈哈", "zh", False),  # a run of 10, three times
        ("哈哈哈哈哈哈哈哈哈哈哈哈哈", "zh", True),
        ("我们今天去北京看朋友", "zh", False),
    ],
)
def test_repetition(text: str, language: str, *, expected: bool) -> None:
    assert is_repetitive(text, language) is expected


def test_repetition_of_a_long_phrase_in_varied_text() -> None:
    phrase = " ".join(f"w{n}" for n in range(10))
    fillers = [" ".join(f"f{part}x{n}" for n in range(20)) for part in range(4)]
    assert not is_repetitive(" ".join(f"{phrase} {filler}" for filler in fillers[:3]), "en")
    assert is_repetitive(" ".join(f"{phrase} {filler}" for filler in fillers), "en")


def test_rates() -> None:
    assert words_per_second("one two  three", 1.5, "en") == 2.0
    assert chars_per_second("one two\n三", 2.0) == 3.5
    assert words_per_second("", 2.0, "en") == 0.0
    assert words_per_second("你好", 2.0, "zh") is None
    assert words_per_second("one", 0.0, "en") is None
    assert chars_per_second("one", 0.0) is None
    assert unique_word_ratio("a A b", "en") == pytest.approx(2 / 3)
    assert unique_word_ratio("...", "en") is None
    assert unique_word_ratio("你好", "zh") is None
