"""What a person writes, and which characters of a text that is."""

from __future__ import annotations

import pytest

from beam_audio.errors import ConfigError
from beam_audio.search.query import expression, marks, parse


def like(token: str) -> tuple[str, ...]:
    return {"umbrela": ("umbrella", "umbrellas")}.get(token, ())


def marked(words: str, text: str) -> list[str]:
    return [text[start:end] for start, end in marks(text, parse(words, like))]


def test_words_phrases_beginnings_and_misspellings_are_marked() -> None:
    text = "Two boats, an Umbrella and two small boats; rivers of umbrellas."
    assert marked("two", text) == ["Two", "two"]
    assert marked('"two boats"', text) == ["Two boats"]
    assert marked("riv*", text) == ["rivers"]
    assert marked("umbrela~", text) == ["Umbrella", "umbrellas"]
    assert marked('"two big boats"~', text) == ["Two boats", "two small boats"]
    assert marked('“two boa"* rivers', text) == ["Two boats", "rivers"]


def test_characters_of_scripts_without_spaces_are_phrases() -> None:
    assert marked("银行", "我去銀行办事") == ["銀行"]
    assert marked("行银", "我去銀行办事") == []
    assert marked("去金行~", "我去銀行办事") == ["去銀行"]


def test_what_fts_reads_as_syntax_is_text() -> None:
    assert expression(parse("AND NOT (x OR NEAR:y) ^z", like)) == (
        '("and") AND ("not") AND ("x") AND ("or") AND ("near y") AND ("z")'
    )


@pytest.mark.parametrize("words", ["", "…", '"" *', "~"])
def test_no_word_is_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="no word"):
        parse(words, like)


def test_too_many_words_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 64"):
        parse("word " * 65, like)
