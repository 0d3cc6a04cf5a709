"""Compression, repetition, rates."""

from __future__ import annotations

import pytest

from beam_audio.quality.text import (
    chars_per_second,
    compression_ratio,
    is_repetitive,
    unique_word_ratio,
    words_per_second,
)


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
    assert chars_per_second("one two\n三", 2.0, "en") == 3.5
    assert words_per_second("", 2.0, "en") == 0.0
    assert words_per_second("你好", 2.0, "zh") is None
    assert words_per_second("one", 0.0, "en") is None
    assert chars_per_second("one", 0.0, "en") is None
    assert unique_word_ratio("a A b", "en") == pytest.approx(2 / 3)
    assert unique_word_ratio("...", "en") is None
    assert unique_word_ratio("你好", "zh") is None
