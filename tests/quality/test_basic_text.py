"""``basic-2``: spellings of the same speech are equal in every language but English."""

# ruff: noqa: RUF001 (letters of other scripts, on purpose)

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.quality.basic_text import basic_2, knows_numbers


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        # Case 21_chinese_scripts
        ("zh", "测试完成后", "測試完成後"),
        ("zh", "你会发现测试中包含的两个模型", "你會發現測試中包含的兩個模型"),
        ("zh", "天地玄黄宇宙洪荒", "天地玄黃宇宙洪荒"),
        ("yue", "广东话", "廣東話"),
        # Case 22_numbers_in_other_languages
        ("es", "Uno dos tres cuatro cinco", "1, 2, 3, 4, 5"),
        ("fr", "Un deux trois quatre cinq", "1, 2, 3, 4, 5"),
        ("zh", "一二三四五六七八九十", "1 2 3 4 5 6 7 8 9 10"),
        ("hi", "एक दो तीन", "1 2 3"),
        ("it", "uno due tre quattro cinque", "1, 2, 3, 4, 5"),
        ("ja", "いち、に、さん、よん、ご", "1, 2, 3, 4, 5"),
        ("ja", "一二三四五", "1 2 3 4 5"),
        ("de", "neunzehnhundert fünf Prozent", "1.900 5%"),
        ("de", "drei Komma fünf", "3,5"),
        ("ru", "один два три", "1, 2, 3"),
        ("pt", "mil e cinco", "1.005"),
        ("tl", "isa dalawa tatlo", "1 2 3"),
        ("ko", "하나 둘 셋", "1, 2, 3"),
        ("th", "หนึ่งสองสาม", "1 2 3"),
        ("zh", "百分之五十", "50%"),
        # Case 24_spelling_variants
        ("tr", "İzmir", "izmir"),
        ("tr", "IĞDIR", "Iğdır"),
        ("uk", "пʼять", "п'ять"),
        ("uk", "обʼєкт", "об'єкт"),
        ("uz", "oʻzbek", "o'zbek"),
        ("ar", "محـــمد", "محمد"),
        ("ar", "١٢", "12"),
        ("hi", "१२३ रुपये", "123 रुपये"),
        ("de", "GROẞE STRASSE", "große Straße"),
        ("fr", "l’homme", "l'homme"),
        ("ja", "（笑） はい", "はい"),
        (None, "Ça va? «Très bien!»", "ça va très bien"),
    ],
)
def test_the_same_speech_is_equal(language: str | None, one: str, other: str) -> None:
    assert basic_2(one, language) == basic_2(other, language)


def test_the_form_of_the_text() -> None:
    assert basic_2("C'est à 12,5 km [bruit]!", "fr") == "c est à 1 2 virgule 5 km"
    assert basic_2("नमस्ते, दुनिया।", "hi") == "नमस्ते दुनिया"
    assert basic_2("你好, 世界 12!", "zh") == "你好世界12"
    assert basic_2(" \n ", None) == ""


@given(
    st.text(max_size=60),
    st.sampled_from(["de", "fr", "hu", "hi", "ko", "my", "zh", "ja", "yue", "bn", None]),
)
def test_it_takes_any_text_in_any_language(text: str, language: str | None) -> None:
    once = basic_2(text, language)
    assert once == " ".join(once.split())


@given(st.text(max_size=60), st.sampled_from(["de", "tr", "ja", "th", "ar", "bn", None]))
def test_normalising_twice_changes_nothing(text: str, language: str | None) -> None:
    once = basic_2(text, language)
    assert basic_2(once, language) == once


@pytest.mark.parametrize("hostile", ["[", "(", "'", "9", "[)", "9,", "eins ", "x1"])
def test_it_stays_fast_on_hostile_text(hostile: str) -> None:
    text = hostile * (100_000 // len(hostile))
    basic_2("warm", "de")
    before = time.process_time()
    basic_2(text, "de")
    assert time.process_time() - before < 5


def test_it_says_where_it_knows_no_number_words() -> None:
    assert all(map(knows_numbers, ["es", "hi", "zh", "ja", "eng", "Italian"]))
    assert not any(map(knows_numbers, ["bn", "eu", None]))
