"""Sentences of a long text, as it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beam_audio.quality.languages import has_word_spaces

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPS: Final = ".?!…。．？！।॥؟۔"  # noqa: RUF001 (marks of other scripts)
CLOSING: Final = "\"'”’»)]}』」"  # noqa: RUF001
_PARAGRAPHS: Final = re.compile(r"\n[^\S\n]*\n\s*")
_ENDS: Final = re.compile(rf"[{re.escape(STOPS)}][{re.escape(STOPS + CLOSING)}]*")
_AFTER: Final = re.compile(r"\s+(\S?)")
_LAST_WORD: Final = re.compile(r"\w*$")
_LONGEST_WORD: Final = 32
_TITLES: Final = frozenset({"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs"})


def is_shortened(word: str) -> bool:
    """Whether a full stop after a word says that letters were left out: a title or an initial.

    Args:
        word: Its letters, without punctuation.
    """
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    return is_initial or word.casefold() in _TITLES


def split_sentences(text: str, language: str | None) -> list[str]:
    """Split a text after full stops, question and exclamation marks, and at empty lines.

    A stop ends no sentence before a small letter, or after a title or an initial ("Mr. Hale").
    A single line break is white space. What has no letter and no figure ("* * *") belongs to the
    sentence before it. Together the sentences have all words of the text.

    Args:
        text: Any text.
        language: Says whether sentences have spaces between them.
    """
    spaced = has_word_spaces(language)
    found: list[str] = []
    for paragraph in _PARAGRAPHS.split(text):
        for piece in _pieces(paragraph, spaced=spaced):
            sentence = " ".join(piece.split())
            if found and not any(map(str.isalnum, sentence)):
                found[-1] = f"{found[-1]} {sentence}".rstrip()
            elif sentence:
                found.append(sentence)
    return found


def _pieces(paragraph: str, *, spaced: bool) -> Iterator[str]:
    start = 0
    for end in _ENDS.finditer(paragraph):
        word = _LAST_WORD.search(paragraph[max(end.start() - _LONGEST_WORD, start) : end.start()])
        shortened = end[0] == "." and word is not None and is_shortened(word[0])
        after = _AFTER.match(paragraph, end.end())
        if spaced and (shortened or after is None or after[1].islower()):
            continue
        yield paragraph[start : end.end()]
        start = end.end()
    yield paragraph[start:]
