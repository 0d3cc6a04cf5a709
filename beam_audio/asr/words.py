"""Tokens to words: which tokens make one word, and which of them are spoken.

Byte-level tokens may hold part of a character. Such tokens stay together until they decode to whole
characters: a piece. A word begins at white space, or, in languages written without spaces, with
every piece. Punctuation belongs to the word it touches, but not to the word's time, because its
tokens attend to the pause.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio.quality.languages import has_word_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPENING: Final = frozenset(
    {"Ps", "Pi", "Pd"}
)  # Unicode categories of marks that belong to the next word
_ALSO_OPENING: Final = "¿¡"
_READ_ALOUD: Final = "&%@#§"  # symbols that are spoken, although Unicode calls them punctuation


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A word and its tokens.

    Attributes:
        text: The word with its punctuation, without white space around it.
        begin: Index of its first token; its tokens end where the next word's begin.
        first: Index of its first spoken token.
        stop: Index after its last spoken token.
    """

    text: str
    begin: int
    first: int
    stop: int


def split_words(
    tokens: Sequence[int], decode: Callable[[list[int]], str], language: str | None
) -> list[WordTokens]:
    """Group text tokens into words.

    Args:
        tokens: Text tokens, none of them special.
        decode: Text of tokens, with leading white space, and U+FFFD for invalid bytes.
        language: ISO 639 code; decides whether spaces separate words.
    """
    spaces = has_word_spaces(language)
    words: list[list[WordTokens]] = []
    for piece in _whole_pieces(tokens, decode):
        begins = piece.text[:1].isspace() if spaces else not _is_mark(piece.text[:1])
        if begins or not words:
            words.append([])
        words[-1].append(piece)
    return _merge_silent([_join(pieces) for pieces in words], " " if spaces else "")


def _whole_pieces(tokens: Sequence[int], decode: Callable[[list[int]], str]) -> list[WordTokens]:
    """The shortest runs of tokens that decode to the characters at their place in the text."""
    text = decode(list(tokens))
    pieces: list[WordTokens] = []
    first = place = 0
    for stop in range(1, len(tokens) + 1):
        part = decode(list(tokens[first:stop]))
        if stop == len(tokens):
            part = text[place:]
        elif not text.startswith(part, place):
            continue
        pieces.append(WordTokens(part, first, first, stop))
        first, place = stop, place + len(part)
    return pieces


def _join(pieces: list[WordTokens]) -> WordTokens:
    """One word from its pieces; its time excludes the outer punctuation."""
    heard = [piece for piece in pieces if not _is_silent(piece.text)] or pieces
    text = "".join(piece.text for piece in pieces).strip()
    return WordTokens(text, pieces[0].begin, heard[0].first, heard[-1].stop)


def _merge_silent(words: list[WordTokens], glue: str) -> list[WordTokens]:
    """Join words of punctuation only to the word before, and opening marks to the word after."""
    merged: list[WordTokens] = []
    ahead, begin = "", 0  # the start of the next word, and its first token
    for word in words:
        begin = begin if ahead else word.begin
        text = glue.join(filter(None, (ahead, word.text)))
        if not _is_silent(word.text):
            merged.append(replace(word, text=text, begin=begin))
            ahead = ""
        elif merged and not ahead and not _is_opening(word.text):
            merged[-1] = replace(
                merged[-1], text=glue.join(filter(None, (merged[-1].text, word.text)))
            )
        else:
            ahead = text
    if not ahead:
        return merged
    if not merged:
        return [WordTokens(ahead, begin, words[0].first, words[-1].stop)]
    return [*merged[:-1], replace(merged[-1], text=glue.join((merged[-1].text, ahead)))]


def _is_silent(text: str) -> bool:
    """Whether text is only punctuation and white space."""
    return all(
        char.isspace() or (unicodedata.category(char)[0] == "P" and char not in _READ_ALOUD)
        for char in text
    )


def _is_opening(text: str) -> bool:
    return all(unicodedata.category(char) in _OPENING or char in _ALSO_OPENING for char in text)


def _is_mark(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] == "M"
