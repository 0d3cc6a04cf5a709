"""Labels: the exact words of a reference, as a model should learn to write them.

References of speech corpora are often bare: in one case, without punctuation. A recogniser hears
both. Its marks and capitals are moved to the words that they were heard at; no word is changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import Levenshtein

from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.sentences import CLOSING, STOPS, is_shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.quality.normalizers import Normalizer

_MARKS: Final = ",.;:?!…、。，．；：？！।॥؟،؛۔"  # noqa: RUF001 (marks of other scripts)
_TRAILING: Final = re.compile(rf"([{re.escape(_MARKS)}]+)[{re.escape(CLOSING)}]*$")
_SPACED: Final = re.compile(r"\S+\s*")
_UNSPACED: Final = re.compile(
    rf"[^\s{re.escape(_MARKS)}][{re.escape(_MARKS)}{re.escape(CLOSING)}]*\s*"
)
_HYPHEN: Final = re.compile(r"(?<=\w)[-‐‑–—]+(?=\w)")  # noqa: RUF001 (dashes of all lengths)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A word that was heard: its letters and figures, its marks, and whose segment it is in."""

    letters: str
    marks: str
    segment: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a word of the reference was heard.

    Attributes:
        segment: The segment it belongs to.
        heard: The word that stands for it; None if it was not heard.
        is_first: Whether it is the first of the words that this one stands for.
        marks: The punctuation after it.
    """

    segment: int
    heard: _Heard | None = None
    is_first: bool = True
    marks: str = ""


def label_texts(
    reference: str, heard: Sequence[str], normalizer: Normalizer
) -> tuple[str | None, ...]:
    """The words of a reference that each segment has, with punctuation and capitals.

    Words are as the reference writes them. A reference without punctuation gets what was heard of
    it, and if it is in one case, capitals, too. A segment whose normalised words would change by
    that ("eighty. four") stays bare. A word that was not heard belongs to the segment of the word
    before it, as in :func:`beam_audio.quality.error_rates.share`.

    Args:
        reference: What was said in the recording.
        heard: What was recognised, one text per segment, in order of time.
        normalizer: How both are compared; it says the language.

    Returns:
        A text per segment; None for one without a word of the reference. Together they have all
        words of the reference.
    """
    spaced = has_word_spaces(normalizer.language)
    words = (_SPACED if spaced else _UNSPACED).findall(reference)
    if not words:
        return (None,) * len(heard)
    spoken = [each for part, text in enumerate(heard) for each in _heard(text, part, spaced=spaced)]
    places = _places([_letters(word) for word in words], spoken)
    moved = words
    if not any(_TRAILING.search(word.rstrip()) for word in words):
        cased = words if _has_two_cases(reference) else _with_capitals(words, places)
        moved = [_with_marks(word, place.marks) for word, place in zip(cased, places, strict=True)]
    plain_parts: list[list[str]] = [[] for _ in heard]
    moved_parts: list[list[str]] = [[] for _ in heard]
    for word, label, place in zip(words, moved, places, strict=True):
        if heard:
            plain_parts[place.segment].append(word)
            moved_parts[place.segment].append(label)
    pairs = zip(map(_joined, plain_parts), map(_joined, moved_parts), strict=True)
    return tuple(
        (label if normalizer(label) == normalizer(plain) else plain) or None
        for plain, label in pairs
    )


def _heard(text: str, segment: int, *, spaced: bool) -> list[_Heard]:
    """The words of a text; marks that stand alone belong to the word before them."""
    found: list[_Heard] = []
    for piece in (_SPACED if spaced else _UNSPACED).findall(_HYPHEN.sub(" ", text)):
        word = piece.rstrip()
        letters, trailing = _letters(word), _TRAILING.search(word)
        marks = trailing[1] if trailing else ""
        if marks == "." and is_shortened(letters):
            marks = ""
        if letters:
            found.append(_Heard(letters, marks, segment))
        elif found and marks and not found[-1].marks:
            found[-1] = replace(found[-1], marks=marks)
    return found


def _places(words: Sequence[str], spoken: Sequence[_Heard]) -> list[_Place]:
    """Where each word of the reference was heard, by the letters of both."""
    wanted = [word.casefold() for word in words]
    found = [each.letters.casefold() for each in spoken]
    places: list[_Place] = []
    for is_same, steps in groupby(
        Levenshtein.opcodes(wanted, found), lambda step: step.tag == "equal"
    ):
        first, *_, last = [*steps] * 2
        own = range(first.src_start, last.src_end)
        own_heard = spoken[first.dest_start : last.dest_end]
        if is_same:
            places += [_Place(each.segment, each, marks=each.marks) for each in own_heard]
        elif own and own_heard:
            places += _matched(len(own), own_heard)
        elif own:
            before = spoken[max(first.dest_start - 1, 0)].segment if spoken else 0
            places += [_Place(before) for _ in own]
        elif places and own_heard[-1].marks.endswith(tuple(STOPS)):
            # What was heard beside the reference may end the sentence.
            places[-1] = replace(places[-1], marks=own_heard[-1].marks)
    return places


def _matched(count: int, heard: Sequence[_Heard]) -> Iterator[_Place]:
    """So many words of the reference against those heard in their place, in proportion."""
    stands_for = [number * len(heard) // count for number in range(count)]
    for number, place in enumerate(stands_for):
        after = stands_for[number + 1] if number + 1 < count else len(heard)
        each = heard[place]
        marks = heard[after - 1].marks if after > place else ""
        yield _Place(each.segment, each, number == 0 or stands_for[number - 1] < place, marks)


def _with_capitals(words: Sequence[str], places: Sequence[_Place]) -> list[str]:
    """Words in the case they were heard in; one that was not heard is capital after a stop."""
    found: list[str] = []
    begins = any(each.heard and each.heard.letters[:1].isupper() for each in places)
    for word, place in zip(words, places, strict=True):
        lower = word.lower()
        if place.heard is None:
            found.append(_capitalised(lower) if begins else lower)
        elif _letters(lower).casefold() == place.heard.letters.casefold():
            found.append(_in_case_of(lower, place.heard.letters))
        else:
            first = place.heard.letters[:1]
            is_capital = place.is_first and (first.isupper() or (first.isdecimal() and begins))
            found.append(_capitalised(lower) if is_capital else lower)
        begins = place.marks.endswith(tuple(STOPS))
    return found


def _in_case_of(word: str, letters: str) -> str:
    """A word with its letters in the case that the same letters have elsewhere."""
    cased = iter(letters)
    return "".join(next(cased, each) if each.isalnum() else each for each in word)


def _capitalised(word: str) -> str:
    place = next((n for n, each in enumerate(word) if each.isalnum()), 0)
    return word[:place] + word[place : place + 1].upper() + word[place + 1 :]


def _with_marks(word: str, marks: str) -> str:
    bare = word.rstrip()
    return bare + marks + word[len(bare) :]


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word))


def _has_two_cases(text: str) -> bool:
    return text not in {text.lower(), text.upper()}


def _joined(words: Sequence[str]) -> str:
    return " ".join("".join(words).split())
