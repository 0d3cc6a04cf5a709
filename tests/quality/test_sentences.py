"""Sentences of a long text: where they end, and that no word is lost."""

from __future__ import annotations

import pytest

from beam_audio.quality.sentences import is_shortened, split_sentences


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("He went. She stayed! Why?", "en", ["He went.", "She stayed!", "Why?"]),
        ('"Go on." He went.', "en", ['"Go on."', "He went."]),
        ("Mr. Hale met J. Smith. They spoke.", "en", ["Mr. Hale met J. Smith.", "They spoke."]),
        ("It cost 3.50 marks ... or more.", "en", ["It cost 3.50 marks ... or more."]),
        ("one line\nand the next\n\nanother", "en", ["one line and the next", "another"]),
        ("The end.\n\n* * *\n\nMore.", "en", ["The end. * * *", "More."]),
        ("今天天气很好。我们去公园!好", "zh", ["今天天气很好。", "我们去公园!", "好"]),
        ("वह गया। वह आई।", "hi", ["वह गया।", "वह आई।"]),
        ("no marks at all", None, ["no marks at all"]),
        ("  \n\n ", "en", []),
    ],
)
def test_a_text_is_split_where_its_sentences_end(
    text: str, language: str | None, wanted: list[str]
) -> None:
    assert split_sentences(text, language) == wanted


def test_no_word_is_lost() -> None:
    text = "?! One. Two... three \n\n . \n\n“Four?” five — six. 7. Eight"
    assert " ".join(split_sentences(text, "en")).split() == text.split()


def test_titles_and_initials_are_shortened() -> None:
    assert [is_shortened(each) for each in ("Mr", "J", "I", "home", "")] == [
        *(True, True, False, False, False)
    ]
