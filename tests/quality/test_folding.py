"""One spelling for letters, digits and marks that are written in several ways."""

# ruff: noqa: RUF001 (letters of other scripts, on purpose)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.folding import BREAK, chinese_script, fold, split_words, to_simplified

APOSTROPHES = (
    "'\u2019\u2018\u201b\u02bc\u02bb\u02b9\u02bd\u02be\u02bf\u02c8"
    "`\u00b4\u2032\u2035\uff07\u055a\ua78c\u05f3"
)


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
def test_every_apostrophe_becomes_the_straight_one(apostrophe: str) -> None:
    assert fold(f"don{apostrophe}t", "en") == "don't"


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("tr", "İzmir", "izmir"),
        ("tr", "IĞDIR", "Iğdır"),
        ("tr", "DİYARBAKIR", "diyarbakır"),
        ("az", "BAKI", "bakı"),
        ("az-Latn-AZ", "İşıq", "işıq"),
        ("de", "STRASSE", "Straße"),
        ("el", "ΑΘΗΝΑ", "Αθήνα"),
        ("el", "ΣΟΦΟΣ", "σοφός"),
        ("ar", "محـــمد", "محمد"),
        ("ar", "مُحَمَّد", "محمد"),
        ("ar", "\ufee3\ufea4\ufee4\ufeaa", "محمد"),  # presentation forms
        ("ar", "١٢", "12"),
        ("fa", "۱۲", "12"),
        ("fa", "كتابي", "کتابی"),
        ("he", "שָׁלוֹם", "שלום"),
        ("hi", "१२३", "123"),
        ("bn", "১২৩", "123"),
        ("th", "๑๒๓", "123"),
        ("my", "၁၂၃", "123"),
        ("ja", "ＡＢＣ１２", "abc12"),
        ("zh", "測試完成後", "测试完成后"),
        ("zh-TW", "你會發現", "你会发现"),
        ("yue", "廣東話", "广东话"),
        ("fr", "cafe\u0301", "café"),
        ("en", "\ufeffzero\u200bwidth ﬁn", "zerowidth fin"),
    ],
)
def test_spellings_of_one_word_are_equal(language: str, one: str, other: str) -> None:
    assert fold(one, language) == fold(other, language)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("tr", "ılık", "ilik"),
        ("zh", "今天天气很好", "今天天气很坏"),
        ("ja", "後", "后"),  # Japanese keeps its characters
        ("fr", "côté", "cote"),
        ("hi", "की", "कि"),
    ],
)
def test_different_words_stay_different(language: str, one: str, other: str) -> None:
    assert fold(one, language) != fold(other, language)


@given(st.text(max_size=40), st.sampled_from(["en", "tr", "el", "de", "ar", "fa", None]))
def test_folding_twice_changes_nothing(text: str, language: str | None) -> None:
    once = fold(text, language)
    assert fold(once, language) == once


@given(st.text(max_size=20))
def test_chinese_takes_any_text(text: str) -> None:
    assert chinese_script(text + "\ud800") in {"Hans", "Hant", None}
    to_simplified(text + "\ud800")


def test_the_script_of_chinese() -> None:
    assert chinese_script("测试完成后") == "Hans"
    assert chinese_script("測試完成後") == "Hant"
    assert chinese_script("今天天地") is None  # both scripts write it so
    assert chinese_script("") is None


def test_words_are_split_at_punctuation() -> None:
    assert split_words("twenty-one, 3.5 o'clock 50%.", "en") == [
        *("twenty", "one", BREAK, "3.5", "oclock", "50", "%", BREAK)
    ]
    assert split_words("l'ami", "fr") == ["l", "ami"]
    assert split_words("o'zbek", "uz") == ["ozbek"]
    assert split_words("你好,world 12", "zh") == ["你", "好", BREAK, "world", "12"]
