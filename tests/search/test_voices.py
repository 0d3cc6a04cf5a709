"""Embeddings in an index: in the list of those alike, wherever lists come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from support.said_voices import MODEL, stored, voice

from beam_audio.search import voices as module
from beam_audio.search.coarse import nearest_of
from beam_audio.search.index import opened_index
from beam_audio.search.voices import arrange, lists_of, put_voices, remove_voices, voices_of
from beam_audio.speakers.people import directions_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def index(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with opened_index(tmp_path / "index.sqlite") as opened:
        yield opened


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred embeddings are many."""
    monkeypatch.setattr(module, "_FEWEST", 100)


def put(index: sqlite3.Connection, numbers: range, model_id: str = MODEL) -> None:
    put_voices(index, model_id, [(each, stored(each % 20, each)) for each in numbers])


def sizes(index: sqlite3.Connection, model_id: str = MODEL) -> list[int]:
    """How many embeddings the lists of a model hold, as it is counted and as it is stated."""
    query = (
        "SELECT held, (SELECT count(*) FROM voices WHERE list = voice_lists.number) "
        "FROM voice_lists WHERE model_id = ?"
    )
    found = index.execute(query, [model_id]).fetchall()
    assert all(held == counted for held, counted in found)
    return [held for held, _ in found]


def test_rows_with_odd_embeddings_have_none() -> None:
    embeddings = [voice(1), None, [1, 2, 3], [0] * 192, voice(2), voice(3), voice(4)]
    models = [MODEL, MODEL, MODEL, MODEL, None, "other", MODEL]
    columns = [pa.array(embeddings, pa.list_(pa.int8())), pa.array(models, pa.string())]
    batch = pa.RecordBatch.from_arrays(columns, ["speaker_embedding", "speaker_model_id"])
    numbers = range(10, 17)
    found = {MODEL: [(10, stored(1)), (16, stored(4))], "other": [(15, stored(3))]}
    assert voices_of(batch, numbers) == found
    assert voices_of(batch.slice(6), [16]) == {MODEL: [(16, stored(4))]}
    assert voices_of(batch.select(["speaker_model_id"]), numbers) == {}


@pytest.mark.usefixtures("few")
def test_many_embeddings_are_parted_into_as_many_lists_as_their_root(
    index: sqlite3.Connection,
) -> None:
    put(index, range(1, 100))
    arrange(index)
    assert sizes(index) == [99]
    put(index, range(100, 401))
    arrange(index)
    assert (len(sizes(index)), sum(sizes(index))) == (20, 400)
    lists, centres = lists_of(index, MODEL)
    held = index.execute("SELECT list, embedding FROM voices ORDER BY number").fetchall()
    nearest = nearest_of(directions_of(embedding for _, embedding in held), centres)
    assert [lists[at] for at in nearest] == [each for each, _ in held]


@pytest.mark.usefixtures("few")
def test_lists_stay_until_four_times_as_many_are_there(index: sqlite3.Connection) -> None:
    put(index, range(1, 101))
    arrange(index)
    before, _ = lists_of(index, MODEL)
    put(index, range(101, 400))
    arrange(index)
    assert lists_of(index, MODEL)[0] == before
    put(index, range(400, 401))
    arrange(index)
    assert len(lists_of(index, MODEL)[0]) == 20


@pytest.mark.usefixtures("few")
def test_models_have_lists_of_their_own(index: sqlite3.Connection) -> None:
    put(index, range(1, 101))
    put(index, range(101, 151), "other")
    arrange(index)
    assert (len(sizes(index)), sizes(index, "other")) == (10, [50])


@pytest.mark.usefixtures("few")
def test_no_byte_of_a_removed_embedding_is_left(index: sqlite3.Connection, tmp_path: Path) -> None:
    put(index, range(1, 501))
    arrange(index)
    gone = np.random.default_rng(5).choice(np.arange(1, 501), 350, replace=False).tolist()
    remove_voices(index, gone)
    content = (tmp_path / "index.sqlite").read_bytes()
    held = {each for each in range(1, 501) if stored(each % 20, each) in content}
    assert held == {*range(1, 501)} - {*gone}
    assert sum(sizes(index)) == 150
