"""Segments in which words were said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.said_outputs import say, words
from support.said_voices import MODEL, stored, voices

from beam_audio.errors import ConfigError
from beam_audio.search.find import Asked, Found, alike, find
from beam_audio.search.index import opened_index
from beam_audio.search.refresh import Refreshing, refresh
from beam_audio.search.similar import Sound
from beam_audio.types import stable_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

ALL = Asked(limit=20)


@pytest.fixture
def index(tmp_path: Path, root: str) -> Iterator[sqlite3.Connection]:
    """An index of three calls."""
    say(root, "a", "The river is wide.", "Two umbrellas on the river, a river of umbrellas")
    said = words(("我", 5.1), ("去", 5.4), ("银行", 6.0))
    say(
        root, "b", "An umbrella!", "我去银行", text_language=["en", "zh"],
        words=[None, said], decision=["drop", "keep"]
    )  # fmt: skip
    say(root, "d", "nothing of this kind", "and nothing of that")
    with opened_index(tmp_path / "index.sqlite") as opened:
        refresh(opened, root, Refreshing())
        yield opened


def said(found: Found) -> list[str]:
    return [hit.text for hit in found.hits]


def test_the_best_come_first_and_the_rest_are_counted(index: sqlite3.Connection, root: str) -> None:
    assert said(find(index, "river", ALL, root))[0].startswith("Two umbrellas")
    found = find(index, "river", Asked(limit=1), root)
    assert (len(found.hits), found.total) == (1, 2)
    assert found.hits[0].score > 0


def test_all_words_must_be_there_and_nothing_is_found_twice(
    index: sqlite3.Connection, root: str
) -> None:
    assert said(find(index, "wide river", ALL, root)) == ["The river is wide."]
    assert said(find(index, '"wide river"', ALL, root)) == []
    assert len(said(find(index, "umbrel* umbrella~", ALL, root))) == 2


def test_a_misspelt_word_is_found(index: sqlite3.Connection, root: str) -> None:
    assert alike(index, "umbrela") == ("umbrella", "umbrellas")
    assert alike(index, "is") == ("is",)
    assert said(find(index, "umbrela~ rivver~", ALL, root)) == [
        "Two umbrellas on the river, a river of umbrellas"
    ]


def test_two_characters_of_chinese_are_found_at_their_second(
    index: sqlite3.Connection, root: str
) -> None:
    (hit,) = find(index, "銀行", ALL, root).hits
    assert (hit.uri, hit.text[slice(*hit.marks[0])]) == ("/calls/b.wav", "银行")
    assert (hit.start_seconds, hit.at_seconds) == (5.0, 6.0)


def test_seconds_count_from_the_start_of_the_file(index: sqlite3.Connection, root: str) -> None:
    say(root, "c", "nothing", "a cut of a long file", offset_seconds=60.0)
    refresh(index, root, Refreshing())
    (hit,) = find(index, '"long file"', ALL, root).hits
    assert (hit.start_seconds, hit.at_seconds) == (5.0, 65.0)


@pytest.mark.parametrize(
    "asked", [Asked(20, decision="drop"), Asked(20, where="decision = 'drop' AND date IS NOT NULL")]
)
def test_segments_are_chosen_by_decision_or_condition(
    index: sqlite3.Connection, root: str, asked: Asked
) -> None:
    found = find(index, "umbrella*", asked, root)
    assert (said(found), found.total) == (["An umbrella!"], 1)


def test_a_condition_that_is_no_sql_is_refused(index: sqlite3.Connection, root: str) -> None:
    with pytest.raises(ConfigError, match="not understood"):
        find(index, "river", Asked(20, where="nothing ="), root)


@pytest.fixture
def heard(index: sqlite3.Connection, root: str) -> sqlite3.Connection:
    """The index with two calls whose speakers are known."""
    say(root, "e", "a blue boat", "a red boat", "a red car", **voices(1, 2, 1))
    say(root, "f", "a red bus", "silence", decision=["drop", "keep"], **voices(1, None))
    refresh(index, root, Refreshing())
    return index


def alike_in(
    heard: sqlite3.Connection, root: str, words: str = "", *, limit: int = 2, **more: str
) -> tuple[list[str], int]:
    """Texts of segments that sound like the first, and how many were compared."""
    asked = Asked(limit, like=stable_id("segment", "e", 0), **more)
    found = find(heard, words, asked, root)
    return said(found), found.total


def test_who_sounds_alike_is_found_with_where_the_segment_begins(
    heard: sqlite3.Connection, root: str
) -> None:
    texts, total = alike_in(heard, root)
    assert (sorted(texts), total) == (["a red bus", "a red car"], 3)
    hit, *_ = find(heard, "", Asked(1, like=Sound(MODEL, stored(1, 2))), root).hits
    assert (hit.text, hit.at_seconds, hit.marks, hit.score) == ("a red car", 10.0, (), 1.0)


def test_who_sounds_alike_is_found_among_segments_with_words(
    heard: sqlite3.Connection, root: str
) -> None:
    assert alike_in(heard, root, "red boat") == (["a red boat"], 1)
    assert alike_in(heard, root, "red", limit=1) in [(["a red car"], 3), (["a red bus"], 3)]
    assert alike_in(heard, root, "red", limit=1, where="text LIKE '%bus'") == (["a red bus"], 1)
    assert alike_in(heard, root, "river") == ([], 0)
    hit, *_ = find(heard, "car", Asked(1, like=stable_id("segment", "e", 0)), root).hits
    assert hit.text[slice(*hit.marks[0])] == "car"


@pytest.mark.parametrize("more", [{"decision": "drop"}, {"where": "decision = 'drop'"}])
def test_who_sounds_alike_is_found_by_decision_or_condition(
    heard: sqlite3.Connection, root: str, more: dict[str, str]
) -> None:
    assert alike_in(heard, root, **more) == (["a red bus"], 1)
    assert alike_in(heard, root, "red", **more) == (["a red bus"], 1)


def test_a_query_needs_a_word_even_where_it_asks_who_sounds_alike(
    heard: sqlite3.Connection, root: str
) -> None:
    with pytest.raises(ConfigError, match="no word"):
        alike_in(heard, root, "…")
