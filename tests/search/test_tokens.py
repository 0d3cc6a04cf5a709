"""Tokens: what is one word to whoever searches is one token, or one phrase of them."""

from __future__ import annotations

import pytest

from beam_audio.search.tokens import placed_tokens, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café CRÈME", "cafe creme"),
        ("İstanbul", "ISTANBUL"),
        ("dışarı", "disari"),  # noqa: RUF001 - without dots
        ("Straße", "strasse"),
        ("銀行", "银行"),
        ("ﾃﾞｰﾀ", "データ"),
        ("iPhone手机", "iphone 手机"),
        ("l’ami", "l'ami"),  # noqa: RUF001
        ("Ёлка", "елка"),
        ("٣ كُتُب", "3 كتب"),
        ("well-known, 3.5%", "well known 3 5"),
    ],
)
def test_spellings_of_one_thing_have_the_same_tokens(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)
    assert [token for token, _, _ in placed_tokens(one)] == tokens(one)


@pytest.mark.parametrize("text", ["हिन्दी", "안녕하세요", "שלום", "čeština"])
def test_a_word_is_one_token_with_its_vowel_signs(text: str) -> None:
    assert len(tokens(text)) == 1


@pytest.mark.parametrize("text", ["去银行", "ありがとう", "สวัสดี", "ສະບາຍດີ", "မင်္ဂလာပါ", "សួស្តី"])
def test_scripts_without_spaces_have_a_token_a_character(text: str) -> None:
    assert tokens(text) == list(text)


def test_different_words_stay_different() -> None:
    assert tokens("हिन्दी") != tokens("हिन्दु")
    assert tokens("がき") != tokens("かき")


def test_tokens_know_their_characters() -> None:
    text = "The river's ½ 銀行."
    placed = [(token, text[start:end]) for token, start, end in placed_tokens(text)]
    assert placed == [
        *(("the", "The"), ("river", "river"), ("s", "s")),
        *(("1", "½"), ("2", "½"), ("银", "銀"), ("行", "行")),
    ]
