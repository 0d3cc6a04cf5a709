"""Normalising, error rates and their shares, repetition, rates."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import ConfigError
from beam_audio.text import (
    Normalizer,
    Score,
    chars_per_second,
    compression_ratio,
    has_word_spaces,
    is_repetitive,
    normalizer_for,
    score,
    share,
    unique_word_ratio,
    words_per_second,
)

if TYPE_CHECKING:
    from typing import Any

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


def test_score_counts_words() -> None:
    found = score("The cat sat on the old mat.", "the bat sat on old mat today", "en", ENGLISH)
    assert found == Score(
        hits=5,
        substitutions=1,
        deletions=1,
        insertions=1,
        wer=3 / 7,
        cer=found.cer,
        normalizer_id="whisper-en-1",
        empty_reference=False,
    )


def test_cer_counts_spaces_where_words_have_them() -> None:
    assert score("ab cd", "abcd", "de", BASIC).cer == 1 / 5
    assert score("你好\uff0c世界", "你好世界", "zh", BASIC).cer == 0.0


@pytest.mark.parametrize("language", ["zh", "ja", "th", "lo", "my", "km", "yue", "zh-TW"])
def test_languages_without_word_spaces_have_cer_alone(language: str) -> None:
    assert not has_word_spaces(language)
    assert score("今天天气很好", "今天天汽好", language, BASIC) == Score(
        None, None, None, None, None, 2 / 6, "basic-1", empty_reference=False
    )


def test_error_rates_are_not_capped() -> None:
    assert score("yes", "no no no no", "en", ENGLISH).wer == 4.0


@pytest.mark.parametrize("reference", ["", "  ", "[music]", "...", "?!"])
@pytest.mark.parametrize("hypothesis", ["", "a b"])
def test_empty_reference_has_no_rate(reference: str, hypothesis: str) -> None:
    for language, normalizer in (("en", ENGLISH), ("fr", BASIC), ("ja", BASIC)):
        found = score(reference, hypothesis, language, normalizer)
        assert found.empty_reference
        assert found.wer is None
        assert found.cer is None
        assert found.insertions == (None if language == "ja" else len(hypothesis.split()))


@given(TEXTS, TEXTS)
def test_score_is_jiwers_on_normalised_text(reference: str, hypothesis: str) -> None:
    found = score(reference, hypothesis, "en", ENGLISH)
    texts = ENGLISH(reference), ENGLISH(hypothesis)
    assert found.empty_reference == (not texts[0])
    if texts[0]:
        assert found.wer == pytest.approx(jiwer.wer(*texts))
        assert found.cer == pytest.approx(jiwer.cer(*texts))


def test_shares_follow_the_alignment() -> None:
    shared = share(
        "hello there one two three four well goodbye",
        ["there", "", "won too", "three well goodbye now"],
        "de",
        BASIC,
    )
    assert [segment.reference_text for segment in shared.segments] == [
        "hello there",  # what precedes all heard words goes to the first segment
        None,
        "one two",
        "three four well goodbye",
    ]
    counts = [
        (s.score.hits, s.score.substitutions, s.score.deletions, s.score.insertions)
        for s in shared.segments
    ]
    assert counts == [(1, 0, 1, 0), (0, 0, 0, 0), (0, 2, 0, 0), (3, 0, 1, 1)]
    assert [s.score.wer for s in shared.segments] == [1 / 2, None, 1.0, 2 / 4]
    assert shared.segments[1].score.empty_reference


def test_leading_deletions_go_to_the_first_segment_with_text() -> None:
    shared = share("lost words then found", ["", "then found"], "de", BASIC)
    assert shared.segments[0].reference_text is None
    assert shared.segments[1].reference_text == "lost words then found"


def test_deletions_stay_with_the_word_before_them() -> None:
    shared = share("a b c d e f", ["a b", "e f"], "de", BASIC)
    assert [s.reference_text for s in shared.segments] == ["a b c d", "e f"]


def test_nothing_heard_leaves_all_to_the_first_segment() -> None:
    shared = share("one two", ["", " "], "de", BASIC)
    assert shared.segments[0].reference_text == "one two"
    assert shared.segments[0].score.wer == 1.0
    assert shared.segments[1].score.wer is None


def test_one_segment_gets_the_reference_as_it_is() -> None:
    shared = share("Hello, World!", ["hello word"], "en", ENGLISH)
    assert shared.segments[0].reference_text == "Hello, World!"
    assert shared.segments[0].score == shared.recording


def test_no_segment_leaves_the_recording_its_deletions() -> None:
    shared = share("one two", [], "de", BASIC)
    assert shared.segments == ()
    assert shared.recording.deletions == 2
    assert shared.recording.wer == 1.0


def test_shares_without_word_spaces_are_characters() -> None:
    shared = share("今天天气很好\uff0c我们走吧", ["今天天汽", "很好我们走吧"], "zh", BASIC)
    assert [s.reference_text for s in shared.segments] == ["今天天气", "很好我们走吧"]
    assert [s.score.cer for s in shared.segments] == [1 / 4, 0.0]
    assert shared.recording.cer == 1 / 10


@given(TEXTS, st.lists(TEXTS, min_size=2, max_size=5), st.sampled_from(["en", "fr", "zh"]))
def test_shares_add_up_to_the_recording(
    reference: str, hypotheses: list[str], language: str
) -> None:
    normalizer = normalizer_for(language)
    shared = share(reference, hypotheses, language, normalizer)
    assert len(shared.segments) == len(hypotheses)
    for name in ("hits", "substitutions", "deletions", "insertions"):
        parts: list[Any] = [getattr(segment.score, name) for segment in shared.segments]
        total = getattr(shared.recording, name)
        assert parts == [None] * len(parts) if total is None else sum(parts) == total
    glue = " " if has_word_spaces(language) else ""
    joined = glue.join(segment.reference_text or "" for segment in shared.segments)
    assert joined.split() == glue.join(normalizer(reference).split()).split()
    for segment, hypothesis in zip(shared.segments, hypotheses, strict=True):
        has_words = any(map(normalizer, hypotheses))
        if has_words and not normalizer(hypothesis):
            assert segment.reference_text is None
        for rate in (segment.score.wer, segment.score.cer):
            assert rate is None or math.isfinite(rate)


def test_two_hours_are_shared_in_seconds() -> None:
    rng = random.Random(1)
    vocabulary = ["".join(rng.choices("abcdefghij", k=5)) for _ in range(8000)]
    words = rng.choices(vocabulary, k=20_000)
    heard = [rng.choice(vocabulary) if rng.random() < 0.1 else word for word in words]
    texts = [" ".join(heard[first : first + 30]) for first in range(0, len(heard), 30)]
    before = time.process_time()
    shared = share(" ".join(words), texts, "en", ENGLISH)
    assert time.process_time() - before < 30
    assert shared.recording.wer == pytest.approx(0.1, abs=0.02)


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
