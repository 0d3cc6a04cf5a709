"""Tokens to words: which tokens make one word, and which of them are heard.

Byte-level tokens may hold part of a character; such tokens stay together until what they decode to
is whole. Words then begin at white space, or, in languages written without spaces, with every whole
piece. Punctuation belongs to the word it touches but not to the time the word takes: its tokens
attend to the pause.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio.quality.text import has_word_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPENING: Final = frozenset({"Ps", "Pi", "Pd"})  # Unicode categories that lean on what follows
_ALSO_OPENING: Final = "¿¡"
_READ_ALOUD: Final = "&%@#§"  # symbols that Unicode calls punctuation


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A word and its tokens.

    Attributes:
        text: The word with its punctuation, without white space around it.
        begin: Index of its first token, heard or not; its tokens reach to the next word's.
        first: Index of its first token that is heard.
        stop: Index after its last token that is heard.
    """

    text: str
    begin: int
    first: int
    stop: int


def split_words(
    tokens: Sequence[int], decode: Callable[[list[int]], str], language: str | None
) -> list[WordTokens]:
    """Group text tokens to words.

    Args:
        tokens: Text tokens, none of them special.
        decode: Text of tokens, leading white space included, invalid bytes as U+FFFD.
        language: ISO 639 code; decides whether spaces part words.
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
    """The shortest runs of tokens that decode to what stands in the text at their place."""
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
    """One word of its pieces, the time being that of those between the outer punctuation."""
    heard = [piece for piece in pieces if not _is_silent(piece.text)] or pieces
    text = "".join(piece.text for piece in pieces).strip()
    return WordTokens(text, pieces[0].begin, heard[0].first, heard[-1].stop)


def _merge_silent(words: list[WordTokens], glue: str) -> list[WordTokens]:
    """Give words of nothing but punctuation to the word before, opening ones to the one after."""
    merged: list[WordTokens] = []
    ahead, begin = "", 0  # what the next word begins with, and where
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
    """Whether text is punctuation and white space alone."""
    return all(
        char.isspace() or (unicodedata.category(char)[0] == "P" and char not in _READ_ALOUD)
        for char in text
    )


def _is_opening(text: str) -> bool:
    return all(unicodedata.category(char) in _OPENING or char in _ALSO_OPENING for char in text)


def _is_mark(char: str) -> bool:
    return bool(char) and unicodedata.category(char)[0] == "M"
