"""One code for each language, whatever it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import InputError
from beam_audio.quality.languages import (
    has_word_spaces,
    is_same_language,
    known_code,
    language_code,
)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["en", "eng", "English", "english", "EN", "en-US", "en_GB", "en-Latn-US", " en "], "en"),
        (["zh", "zho", "chi", "cmn", "Chinese", "Mandarin", "zh-CN", "zh-Hant-TW", "zh-cmn"], "zh"),
        (["yue", "Cantonese", "zh-yue", "yue-HK"], "yue"),
        (["de", "deu", "ger", "German", "de-CH"], "de"),
        (["el", "ell", "gre", "Greek"], "el"),
        (["no", "nb", "nob", "nor", "Norwegian", "Bokmål"], "no"),
        (["nn", "nno", "Nynorsk"], "nn"),
        (["fa", "fas", "per", "pes", "Persian", "Farsi"], "fa"),
        (["he", "iw", "heb", "Hebrew"], "he"),
        (["id", "in", "ind", "Indonesian"], "id"),
        (["jv", "jw", "jav", "Javanese"], "jv"),
        (["tl", "tgl", "fil", "Filipino", "Tagalog"], "tl"),
        (["sw", "swh", "swa", "Swahili"], "sw"),
        (["ms", "zsm", "Malay"], "ms"),
        (["es", "spa", "Spanish", "Castilian", "es-419"], "es"),
        (["ar", "arb", "ara", "Arabic", "ar-EG"], "ar"),
        (["ckb"], "ckb"),
        (["haw", "Hawaiian"], "haw"),
        (["sr", "sr-Latn", "srp", "Serbian"], "sr"),
    ],
)
def test_all_names_of_a_language_have_one_code(names: list[str], code: str) -> None:
    assert {name: language_code(name) for name in names} == dict.fromkeys(names, code)


def test_languages_of_a_multilingual_whisper_have_their_codes() -> None:
    names = (
        "english chinese german spanish russian korean french japanese portuguese turkish polish "
        "catalan dutch arabic swedish italian indonesian hindi finnish vietnamese hebrew ukrainian "
        "greek malay czech romanian danish hungarian tamil norwegian thai urdu croatian bulgarian "
        "lithuanian latin maori malayalam welsh slovak telugu persian latvian bengali serbian "
        "azerbaijani slovenian kannada estonian macedonian breton basque icelandic armenian nepali "
        "mongolian bosnian kazakh albanian swahili galician marathi punjabi sinhala khmer shona "
        "yoruba somali afrikaans occitan georgian belarusian tajik sindhi gujarati amharic yiddish "
        "lao uzbek faroese haitian pashto turkmen nynorsk maltese sanskrit luxembourgish myanmar "
        "tibetan tagalog malagasy assamese tatar hawaiian lingala hausa bashkir javanese sundanese"
    )
    codes = (
        "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no "
        "th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw "
        "gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl "
        "mg as tt haw ln ha ba jv su"
    )
    assert [language_code(name) for name in names.split()] == codes.split()
    assert [language_code(code) for code in codes.split()] == codes.split()


@pytest.mark.parametrize(
    "name", ["", "xx", "qqq", "und", "mul", "zxx", "e", "klingonish", "en-", "x-foo", "en US", "1"]
)
def test_what_names_no_language_is_an_error_that_shows_the_right_form(name: str) -> None:
    with pytest.raises(InputError, match="write an ISO 639 code such as 'en' or 'eng'"):
        language_code(name)
    assert known_code(name) is None


@given(st.text(max_size=12))
def test_any_text_has_a_code_that_maps_to_itself_or_none(name: str) -> None:
    code = known_code(name)
    assert code is None or language_code(code) == code


def test_word_spaces() -> None:
    without = ["zh", "cmn", "Chinese", "ja-JP", "tha", "lo", "my", "km", "yue"]
    assert not any(map(has_word_spaces, without))
    assert all(map(has_word_spaces, ["en", "ko", "hi", "xx", None]))


def test_names_are_compared_by_language() -> None:
    assert is_same_language("en", "en-GB")
    assert is_same_language("cmn", "zh-TW")
    assert is_same_language("jw", "jv")  # as Whisper calls Javanese, and as ISO does
    assert is_same_language(None, None)
    assert not is_same_language("en", "de")
    assert not is_same_language("en", None)
    assert is_same_language("qqq", "qqq")
