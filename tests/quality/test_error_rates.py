"""Error rates and their shares."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.error_rates import Score, score, share, share_corrected
from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.normalizers import Normalizer, normalizer_for

if TYPE_CHECKING:
    from typing import Any

ENGLISH = Normalizer("whisper-en-1")
BASIC = Normalizer("basic-1")

WORDS = st.sampled_from(["a", "the", "cat", "sat", "Mat,", "on", "twenty", "one", "don't", "..."])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30)


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
        start_cer=1 / 11,
        end_cer=found.end_cer,
    )


def test_cer_counts_spaces_where_words_have_them() -> None:
    assert score("ab cd", "abcd", "de", BASIC).cer == 1 / 5
    assert score("你好\uff0c世界", "你好世界", "zh", BASIC).cer == 0.0


@pytest.mark.parametrize("language", ["zh", "ja", "th", "lo", "my", "km", "yue", "zh-TW"])
def test_languages_without_word_spaces_have_only_a_cer(language: str) -> None:
    assert not has_word_spaces(language)
    assert score("今天天气很好", "今天天汽好", language, BASIC) == Score(
        None,
        None,
        None,
        None,
        None,
        2 / 6,
        "basic-1",
        empty_reference=False,
        start_cer=2 / 6,
        end_cer=2 / 6,
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


def test_a_wrong_reference_leaves_most_segments_out() -> None:
    """All its words belong to few of them; the others have no error rate."""
    shared = share("four", ["so this is a cold", "swipe", ""], "en", ENGLISH)
    found = [each.score.left_out for each in shared.segments]
    assert found.count(True) == 2
    assert [each.score.wer is None for each in shared.segments] == found
    silent = share("[music]", ["one", "two"], "en", ENGLISH)
    assert [each.score.left_out for each in silent.segments] == [False, False]
    characters = share("雨", ["今天", "天气很好"], "zh", BASIC)
    assert [each.score.left_out for each in characters.segments].count(True) == 1
    assert not score("four", "", "en", ENGLISH).left_out


def test_leading_deletions_go_to_the_first_segment_with_text() -> None:
    shared = share("lost words then found", ["", "then found"], "de", BASIC)
    assert shared.segments[0].reference_text is None
    assert shared.segments[1].reference_text == "lost words then found"


def test_deletions_stay_with_the_word_before_them() -> None:
    shared = share("a b c d e f", ["a b", "e f"], "de", BASIC)
    assert [s.reference_text for s in shared.segments] == ["a b c d", "e f"]


def test_nothing_recognised_leaves_all_to_the_first_segment() -> None:
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


@pytest.mark.parametrize(
    ("language", "reference", "heard", "wer", "cer"),
    [
        ("en", "five five", "5, 5", 0.0, 0.0),  # case 20_figures_against_number_words
        ("en", "one two three", "1 2 4", 1 / 3, None),
        ("es", "Uno dos tres", "1, 2, 3", 0.0, 0.0),  # case 22_numbers_in_other_languages
        ("zh", "一二三四五六七八九十", "1 2 3 4 5 6 7 8 9 10", None, 0.0),
        ("zh", "今天天气很好", "今天天气很坏", None, 1 / 6),  # case 21_chinese_scripts
        ("cmn", "测试完成后", "測試完成後", None, 0.0),
        ("en", "you don\u02bct mean", "you don't mean", 0.0, 0.0),  # case 23_apostrophes
        ("tr", "I\u011eDIR", "I\u011fd\u0131r", 0.0, 0.0),  # case 24_spelling_variants
    ],
)
def test_cases(
    language: str, reference: str, heard: str, wer: float | None, cer: float | None
) -> None:
    found = score(reference, heard, language, normalizer_for(language))
    assert found.wer == (None if wer is None else pytest.approx(wer))
    assert cer is None or found.cer == pytest.approx(cer)


def test_scores_say_what_may_be_a_way_of_writing() -> None:
    basic = normalizer_for(None)
    assert score("bat bi hiru", "1 2 3", "eu", basic).figures_against_words
    assert not score("bat bi hiru", "bat bi lau", "eu", basic).figures_against_words
    assert not score("bat 1", "bat 2", "eu", basic).figures_against_words
    assert not score("uno dos tres casas", "1 2 3 casa", "es", basic).figures_against_words
    assert score("测试完成后", "測試完成後", "zh", basic).scripts_differ
    assert not score("测试完成后", "测试完成后", "zh", basic).scripts_differ
    assert not score("今天", "測試完成後", "zh", basic).scripts_differ
    assert not score("測試", "测试", "ja", basic).scripts_differ


HEARD = ["the old", "river rain", "for miles"]


def test_a_corrected_segment_is_compared_with_its_own_reference_and_the_rest_stays() -> None:
    normalizer = normalizer_for("en")
    plain = share("the old river ran for miles", HEARD, "en", normalizer)
    corrected = {1: ("River, rain!", "river rain")}
    found = share_corrected("the old river ran for miles", HEARD, corrected, "en", normalizer)
    assert found.segments[0] == plain.segments[0]
    assert found.segments[2] == plain.segments[2]
    assert found.segments[1] is not None
    assert found.segments[1].reference_text == "River, rain!"
    assert found.segments[1].score.wer == 0.0
    assert found.recording is not None
    assert found.recording.reference_text == "the old River, rain! for miles"
    assert (found.recording.score.hits, found.recording.score.wer) == (6, 0.0)
    assert plain.recording.wer == 1 / 6


def test_a_recording_is_compared_only_if_each_of_its_segments_has_a_reference() -> None:
    normalizer = normalizer_for("en")
    some = {0: ("an old", "the old"), 2: ("for mules", "for miles")}
    found = share_corrected(None, HEARD, some, "en", normalizer)
    assert found.recording is None
    assert [each and each.score.wer for each in found.segments] == [0.5, None, 0.5]
    rest = {1: ("", "river rain")}
    whole = share_corrected(None, HEARD, some | rest, "en", normalizer).recording
    assert whole is not None
    assert (whole.reference_text, whole.score.wer) == ("an old for mules", 1.0)


def test_a_correction_counts_characters_where_words_have_no_spaces() -> None:
    corrected = {0: ("今天天气很坏", "今天天气很好")}
    found = share_corrected(None, ["今天天气很好"], corrected, "zh", normalizer_for("zh"))
    assert found.recording is not None
    assert found.recording.score.wer is None
    assert found.recording.score.cer == pytest.approx(1 / 6)
