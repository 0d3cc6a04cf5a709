"""Segments whose main speaker sounds like another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.said_voices import MODEL, stored

from beam_audio.errors import ConfigError
from beam_audio.search import similar as module
from beam_audio.search.index import opened_index
from beam_audio.search.similar import Sound, similar
from beam_audio.search.voices import arrange, put_voices
from beam_audio.speakers.people import directions_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MANY = 20_000
PEOPLE = 100


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """An index of 20,000 segments of 100 people, in lists."""
    with opened_index(tmp_path_factory.mktemp("similar") / "index.sqlite") as opened:
        generator = np.random.default_rng(2)
        people = generator.standard_normal((PEOPLE, 192))
        heard = people[np.arange(MANY) % PEOPLE] + generator.normal(0, 0.8, (MANY, 192))
        scaled = np.rint(heard * 127 / np.abs(heard).max(axis=1, keepdims=True)).astype(np.int8)
        opened.execute("BEGIN")
        put_voices(opened, MODEL, [(at, each.tobytes()) for at, each in enumerate(scaled)])
        opened.executemany(
            "INSERT INTO segments (number, segment_id, decision) VALUES (?, ?, ?)",
            ((at, f"s{at}", "drop" if at % 50 == 7 else "keep") for at in range(MANY)),
        )
        opened.execute("INSERT INTO segments (number, segment_id) VALUES (?, 'silent')", [MANY])
        arrange(opened)
        opened.execute("COMMIT")
        yield opened


@pytest.fixture(scope="module")
def directions(index: sqlite3.Connection) -> NDArray[np.float32]:
    """The directions of all segments."""
    found = index.execute("SELECT embedding FROM voices ORDER BY number")
    return directions_of(embedding for (embedding,) in found)


def best(directions: NDArray[np.float32], own: int, among: range = range(MANY)) -> list[int]:
    """The ten that are most alike, found by comparing with all."""
    numbers = np.array([each for each in among if each != own])
    cosines = directions[numbers] @ directions[own]
    found: list[int] = numbers[np.argsort(-cosines, kind="stable")[:10]].tolist()
    return found


def test_the_best_of_few_lists_are_the_best_of_all(
    index: sqlite3.Connection, directions: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPARED", 2_000)
    hits = 0
    for own in range(0, MANY, 999):
        found, compared = similar(index, f"s{own}", 10)
        assert 2_000 < compared < 4_000
        assert [cosine for _, cosine in found] == sorted((it for _, it in found), reverse=True)
        hits += len({number for number, _ in found} & {*best(directions, own)})
    assert hits >= 0.95 * 210


def test_a_segment_is_no_answer_to_itself_and_nothing_is_found_twice(
    index: sqlite3.Connection,
) -> None:
    found, compared = similar(index, "s7", MANY)
    numbers = [number for number, _ in found]
    assert sorted(numbers) == sorted({*range(MANY)} - {7})
    assert compared == MANY - 1
    assert {number % PEOPLE for number in numbers[:199]} == {7}


def test_a_sound_finds_all_that_are_like_it(
    index: sqlite3.Connection, directions: NDArray[np.float32]
) -> None:
    query = "SELECT embedding FROM voices WHERE number = 7"
    ((embedding,),) = index.execute(query).fetchall()
    found, _ = similar(index, Sound(MODEL, embedding), 3)
    assert [number for number, _ in found] == [7, *best(directions, 7)[:2]]
    assert found[0][1] == pytest.approx(1.0, abs=1e-5)


def test_only_segments_of_a_decision_are_compared(
    index: sqlite3.Connection, directions: NDArray[np.float32]
) -> None:
    found, compared = similar(index, "s8", 10, decision="drop")
    assert compared == MANY // 50
    assert [number for number, _ in found] == best(directions, 8, range(7, MANY, 50))


def test_only_chosen_segments_are_compared(index: sqlite3.Connection) -> None:
    index.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (number INTEGER PRIMARY KEY)")
    index.execute("INSERT INTO chosen VALUES (7), (107), (8), (20000)")
    found, compared = similar(index, "s7", 10, is_chosen=True)
    assert ([number for number, _ in found], compared) == ([107, 8], 2)


@pytest.mark.parametrize(
    ("like", "complaint"),
    [
        ("none", "no segment none"),
        ("silent", "nobody is heard alone"),
        (Sound("other", stored(1)), f"embeddings of {MODEL} and none of other"),
    ],
)
def test_what_cannot_be_compared_is_told(
    index: sqlite3.Connection, like: str | Sound, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        similar(index, like, 10)
    assert not index.in_transaction


def test_an_output_without_embeddings_says_how_to_add_them(tmp_path: Path) -> None:
    with opened_index(tmp_path / "index.sqlite") as opened:
        opened.execute("INSERT INTO segments (number, segment_id) VALUES (1, 'silent')")
        for like in ("silent", Sound(MODEL, stored(1))):
            with pytest.raises(ConfigError, match="run with --speaker_model=campplus"):
                similar(opened, like, 10)
