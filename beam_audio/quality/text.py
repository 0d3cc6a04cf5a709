"""Text measures: normalising, signs of repetition, rates.

Languages written without spaces between words have no word counts here. They are compared by
characters without white space, which in these languages is punctuation or layout only.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from whisper_normalizer.english import EnglishTextNormalizer

from beam_audio.errors import ConfigError
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.spelling import nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPRESSION_MIN_BYTES: Final = 32
"""Shorter texts compress by chance."""
REPETITION_MIN_WORDS: Final = 4
REPETITION_UNIQUE_RATIO: Final = 0.4
REPETITION_NGRAM: Final = 10
REPETITION_NGRAM_COUNT: Final = 3

_PIECE_CHARS: Final = 4000
_SQUARE_OR_ANGLE: Final = (re.compile(r"[<\[][^>\]]*[>\]]"), re.compile(r"[<\[]"), ">]")
_ROUND: Final = (re.compile(r"\([^)]+\)"), re.compile(r"\("), ")")


@dataclass(frozen=True, slots=True)
class Normalizer:
    """A named way of making two spellings of the same speech equal; calling it returns the text.

    ``whisper-en-1`` is the English normaliser published with Whisper, from the package
    whisper-normalizer. It joins number words and figures that follow each other, even across a
    comma ("$20.50, twenty-one" becomes "$20.5021"). That is kept: reference and hypothesis get the
    same treatment, and error rates stay comparable with published ones. One thing is changed: the
    lone full stop it makes of a closing ellipsis is dropped, since it would count as a word.

    ``basic-1`` is for every other language: lower case in NFKC, without bracketed asides,
    punctuation, symbols and invisible characters. Marks stay. Whisper's own normaliser drops them,
    which cuts words into pieces in scripts that write vowels as marks.

    ``none`` returns the text unchanged.
    """

    normalizer_id: str

    def __call__(self, text: str) -> str:
        """Return the normalised text, single spaces between words (``none``: unchanged)."""
        return _NORMALIZERS[self.normalizer_id](text)


def normalizer_for(language: str | None, choice: str = "auto") -> Normalizer:
    """Choose how texts are normalised for comparing.

    Args:
        language: ISO 639-1 code, region allowed (``en-GB``); None when unknown.
        choice: ``auto`` takes ``whisper-en-1`` for English and ``basic-1`` for other languages;
            these ids and ``none`` take themselves.

    Raises:
        ConfigError: The choice is unknown.
    """
    if choice == "auto":
        return Normalizer("whisper-en-1" if known_code(language) == "en" else "basic-1")
    if choice not in _NORMALIZERS:
        hint = nearest_or_all(choice, ["auto", *_NORMALIZERS])
        raise ConfigError(f"unknown normalizer {choice!r}{hint}")
    return Normalizer(choice)


def resolved_choice(choice: str) -> str:
    """A choice as it enters the configuration's hash: ``auto`` becomes the ids it chooses from."""
    return "whisper-en-1,basic-1" if choice == "auto" else choice


def tokens(text: str, language: str | None) -> list[str]:
    """The units that are counted and compared: words, or characters in languages without spaces."""
    words = text.split()
    return words if has_word_spaces(language) else list("".join(words))


def compression_ratio(text: str) -> float | None:
    """UTF-8 bytes divided by zlib bytes: high when a text repeats itself; None under 32 bytes."""
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) < COMPRESSION_MIN_BYTES:
        return None
    return len(encoded) / len(zlib.compress(encoded))


def unique_word_ratio(text: str, language: str | None) -> float | None:
    """Share of words that differ, ignoring case and punctuation; None without words."""
    words = _spoken(text).split()
    return len(set(words)) / len(words) if words and has_word_spaces(language) else None


def is_repetitive(text: str, language: str | None) -> bool:
    """Whether the text of one segment goes in circles, as decoders do when they lose the audio.

    True for a unique-word ratio of at most 0.4 over at least 4 words, or when any run of 10 words
    (characters, in languages without word spaces) occurs more than 3 times. Not meant for the text
    of a long recording: its unique-word ratio falls with its length.
    """
    spoken = tokens(_spoken(text), language)
    unique = unique_word_ratio(text, language)
    if (
        unique is not None
        and unique <= REPETITION_UNIQUE_RATIO
        and len(spoken) >= REPETITION_MIN_WORDS
    ):
        return True
    runs = Counter(zip(*(spoken[start:] for start in range(REPETITION_NGRAM)), strict=False))
    return max(runs.values(), default=0) > REPETITION_NGRAM_COUNT


def words_per_second(text: str, seconds: float, language: str | None) -> float | None:
    """Words per second; None for zero seconds and in languages without word spaces."""
    return len(text.split()) / seconds if seconds > 0 and has_word_spaces(language) else None


def chars_per_second(text: str, seconds: float) -> float | None:
    """Characters per second without white space; None for zero seconds."""
    return sum(map(len, text.split())) / seconds if seconds > 0 else None


def _without_asides(text: str) -> str:
    """Remove bracketed text, and opening brackets that nothing closes.

    The last closing bracket is found first, since no opening bracket after it can match. Searching
    to the end of the text from each of many opening brackets would take quadratic time.
    """
    for pair, opening, closers in (_SQUARE_OR_ANGLE, _ROUND):
        end = max(text.rfind(closer) for closer in closers) + 1
        text = pair.sub("", text[:end]) + opening.sub(" ", text[end:])
    return text


def _spoken(text: str) -> str:
    """Lower case in NFKC, with spaces for symbols and punctuation, without invisible characters."""
    kinds = ((char, unicodedata.category(char)) for char in unicodedata.normalize("NFKC", text))
    spaced = "".join(" " if kind[0] in "SP" else char for char, kind in kinds if kind != "Cf")
    return " ".join(spaced.lower().split())


def _basic(text: str) -> str:
    return _spoken(_without_asides(text.lower()))


@cache
def _whisper_english() -> Callable[[str], str]:
    english: Callable[[str], str] = EnglishTextNormalizer()
    return english


def _english(text: str) -> str:
    pieces = (_english_piece(piece) for piece in _pieces(_without_asides(text.lower())))
    words = " ".join(pieces).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def _english_piece(text: str) -> str:
    try:
        return _whisper_english()(text)
    except AssertionError:
        # It fails on figures of more than 4300 digits, which Python does not read as a number.
        return _basic(text)


def _pieces(text: str) -> Iterator[str]:
    """Cut a text between words: the English patterns take quadratic time."""
    piece: list[str] = []
    room = _PIECE_CHARS
    for word in text.split():
        if piece and len(word) > room:
            yield " ".join(piece)
            piece, room = [], _PIECE_CHARS
        piece.append(word)
        room -= len(word) + 1
    yield " ".join(piece)


def _unchanged(text: str) -> str:
    return text


_NORMALIZERS: Final[dict[str, Callable[[str], str]]] = {
    "whisper-en-1": _english,
    "basic-1": _basic,
    "none": _unchanged,
}
