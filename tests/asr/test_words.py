from __future__ import annotations

import itertools
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.words import split_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def decoder(pieces: Sequence[bytes]) -> Callable[[list[int]], str]:
    """A byte-level vocabulary whose token n is the n-th piece."""
    return lambda tokens: b"".join(pieces[token] for token in tokens).decode("utf-8", "replace")


def words_of(pieces: Sequence[str | bytes], language: str | None) -> list[tuple[str, int, int]]:
    encoded = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    found = split_words(range(len(encoded)), decoder(encoded), language)
    return [(word.text, word.first, word.stop) for word in found]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([" Hello", " wor", "ld"], [("Hello", 0, 1), ("world", 1, 3)]),
        (["Hello", ",", " you", "!"], [("Hello,", 0, 1), ("you!", 2, 3)]),
        ([" don", "'", "t"], [("don't", 0, 3)]),
        ([" well", "-", "known"], [("well-known", 0, 3)]),
        ([" 5", "0", "%"], [("50%", 0, 3)]),
        (["\u201c", "Yes", "\u201d", " he"], [("\u201cYes\u201d", 1, 2), ("he", 3, 4)]),
        ([" so", " -", " no"], [("so", 0, 1), ("- no", 2, 3)]),
        ([" so", " ...", " no"], [("so ...", 0, 1), ("no", 2, 3)]),
        ([" (", "so", ")"], [("(so)", 1, 2)]),
        ([" end", " ("], [("end (", 0, 1)]),
        ([" you", " &", " me"], [("you", 0, 1), ("&", 1, 2), ("me", 2, 3)]),
        (["..."], [("...", 0, 1)]),
        ([" "], []),
        ([], []),
    ],
)
def test_english_words(pieces: list[str], words: list[tuple[str, int, int]]) -> None:
    assert words_of(pieces, "en") == words


@pytest.mark.parametrize("language", ["ja", "zh", "yue"])
def test_languages_without_spaces_have_a_word_for_each_piece(language: str) -> None:
    sea = "海".encode()
    pieces: list[str | bytes] = ["静か", "な", sea[:1], sea[1:], "。", "朝"]
    expected = [("静か", 0, 1), ("な", 1, 2), ("海。", 2, 4), ("朝", 5, 6)]
    assert words_of(pieces, language) == expected


def test_a_mark_stays_with_its_letter() -> None:
    assert words_of(["ก", "\u0e34", "น"], "th") == [("ก\u0e34", 0, 2), ("น", 2, 3)]


def test_tokens_of_one_character_stay_together() -> None:
    smile = "é😀".encode()
    pieces: list[str | bytes] = [" caf", *(bytes([byte]) for byte in smile), " x"]
    assert words_of(pieces, "fr") == [("café😀", 0, 7), ("x", 7, 8)]


def test_bytes_that_are_no_text_lose_no_token() -> None:
    (word,) = words_of([" a", b"\xff", b"\xe3\x81", "b", b"\xe3"], "en")
    assert word[1:] == (0, 5)


cut_words = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=("Cs", "Z", "C")), min_size=1, max_size=6),
        st.sets(st.integers(1, 20)),
    ),
    max_size=8,
)


def cut(content: bytes, places: set[int]) -> list[bytes]:
    borders = [0, *sorted(place for place in places if place < len(content)), len(content)]
    return [content[first:stop] for first, stop in itertools.pairwise(borders)]


@given(cut_words, st.sampled_from(["en", "ja", None]))
def test_no_text_is_lost_and_tokens_stay_in_order(
    words: list[tuple[str, set[int]]], language: str | None
) -> None:
    pieces = [piece for word, places in words for piece in cut(f" {word}".encode(), places)]
    found = split_words(range(len(pieces)), decoder(pieces), language)
    joined = "".join(word.text for word in found)
    assert "".join(joined.split()) == "".join(word for word, _ in words)
    borders = [border for word in found for border in (word.first, word.stop)]
    assert borders == sorted(borders)
    assert all(word.first < word.stop for word in found)
    assert all(0 <= border <= len(pieces) for border in borders)


@given(cut_words)
def test_spoken_words_are_those_between_spaces(words: list[tuple[str, set[int]]]) -> None:
    spoken = [each for each in words if not all(unicodedata.category(c)[0] == "P" for c in each[0])]
    pieces = [piece for word, places in spoken for piece in cut(f" {word}".encode(), places)]
    found = split_words(range(len(pieces)), decoder(pieces), "en")
    assert [word.text for word in found] == [word for word, _ in spoken]
