"""Numerals of Chinese and Japanese."""

from __future__ import annotations

import pytest

from beam_audio.quality.cjk_numerals import numerals_to_figures
from beam_audio.quality.number_speller import spell


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("一二三四五六七八九十", "12345678910"),
        ("一二三四五六七八九十十一十二", "123456789101112"),
        ("二零二四年", "2024年"),
        ("〇九〇一二三四", "0901234"),
        ("两千零二十四", "2024"),
        ("一万二千三百", "12300"),
        ("一亿两千万", "120000000"),
        ("一百零五", "105"),
        ("一百五", "150"),
        ("九十", "90"),
        ("3万5千", "35000"),
        ("百分之五十", "50%"),
        ("三点一四", "3点14"),
        ("123", "123"),
        ("今天天气很好", "今天天气很好"),
        ("万", "万"),
    ],
)
def test_chinese(text: str, figures: str) -> None:
    assert numerals_to_figures(text, "zh") == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("一、二、三", "1、2、3"),
        ("千九百二十一年", "1921年"),
        ("百五", "105"),
        ("1億2000万", "120000000"),
        ("いち、に、さん、よん、ご", "1、2、3、4、5"),
        ("いち に さん し ご", "1 2 3 4 5"),
        ("いちにさんしごろくしちはちきゅうじゅう", "12345678910"),
        ("じゅうご", "15"),
        ("にじゅうご", "25"),
        ("にし", "にし"),  # west
        ("さんご", "さんご"),  # coral
        ("私に", "私に"),
    ],
)
def test_japanese(text: str, figures: str) -> None:
    assert numerals_to_figures(text, "ja") == figures


@pytest.mark.parametrize("language", ["zh", "ja", "yue"])
def test_spelled_numbers_lead_back_to_their_figures(language: str) -> None:
    wrong = {
        number: spelled
        for number in (*range(10_000), 12_345, 100_000, 1_234_567, 20_000_000)
        if numerals_to_figures(spelled := str(spell(str(number), language)), language)
        != str(number)
    }
    assert not wrong
