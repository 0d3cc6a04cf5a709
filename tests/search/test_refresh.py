"""An index follows the commit records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.said_outputs import say
from support.said_voices import MODEL, stored, voices

from beam_audio.errors import InputError
from beam_audio.output.compact import compact
from beam_audio.search.index import opened_index
from beam_audio.search.refresh import Refreshing, refresh
from beam_audio.search.similar import Sound, similar
from beam_audio.types import stable_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


@pytest.fixture
def index(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with opened_index(tmp_path / "index.sqlite") as opened:
        yield opened


def read_units(index: sqlite3.Connection, root: str) -> int:
    """Bring the index up to date; how many units were looked at."""
    progress = Refreshing()
    refresh(index, root, progress)
    assert progress.done == progress.of
    return progress.of


def texts(index: sqlite3.Connection) -> list[str]:
    return [text for (text,) in index.execute("SELECT text FROM segments ORDER BY text")]


def holding(index: sqlite3.Connection, word: str) -> int:
    query = "SELECT count(*) FROM texts WHERE texts MATCH ?"
    return int(index.execute(query, [word]).fetchone()[0])


def test_only_units_that_changed_are_read(index: sqlite3.Connection, root: str) -> None:
    say(root, "a", "two boats")
    say(root, "b", "a quiet street")
    assert read_units(index, root) == 2
    assert read_units(index, root) == 0
    say(root, "c", "the lake")
    say(root, "b", "a loud street", "and a bridge")
    assert read_units(index, root) == 2
    assert texts(index) == ["a loud street", "and a bridge", "the lake", "two boats"]
    assert [holding(index, word) for word in ("quiet", "loud", "street")] == [0, 1, 1]


def test_rows_that_are_gone_leave_no_byte(
    index: sqlite3.Connection, root: str, tmp_path: Path
) -> None:
    say(root, "a", "two boats", "zanzibar xylophone")
    say(root, "b", "quagga")
    read_units(index, root)
    say(root, "a", "two boats")
    Path(root, "_units", f"{stable_id('unit', 'b')}.json").unlink()
    read_units(index, root)
    assert texts(index) == ["two boats"]
    content = (tmp_path / "index.sqlite").read_bytes()
    assert not [each for each in (b"xylophone", b"quagga", b"/calls/b.wav") if each in content]


def test_merged_files_are_not_read_again(index: sqlite3.Connection, root: str) -> None:
    for name in "abc":
        say(root, name, f"boat {name}")
    read_units(index, root)
    before = index.total_changes
    compact(root)
    assert read_units(index, root) == 3
    assert index.total_changes - before < 12
    say(root, "d", "boat d")
    read_units(index, root)
    assert holding(index, "boat") == 4


def test_merged_files_are_read_row_by_row(index: sqlite3.Connection, root: str) -> None:
    for name in "abc":
        say(root, name, f"boat {name}")
    compact(root)
    read_units(index, root)
    say(root, "b", "coat b")
    read_units(index, root)
    assert texts(index) == ["boat a", "boat c", "coat b"]


def test_a_missing_part_file_is_told(index: sqlite3.Connection, root: str, tmp_path: Path) -> None:
    say(root, "a", "two boats")
    for part in tmp_path.glob("out/segments/**/*.parquet"):
        part.unlink()
    with pytest.raises(InputError, match="cannot open"):
        refresh(index, root, Refreshing())


def speaking(index: sqlite3.Connection, person: int) -> list[str]:
    """Texts of the segments in which a person speaks."""
    found, _ = similar(index, Sound(MODEL, stored(person)), 100)
    query = "SELECT text FROM segments WHERE number = ?"
    return sorted(index.execute(query, [at]).fetchone()[0] for at, cosine in found if cosine > 0.5)


def test_voices_follow_the_rows(index: sqlite3.Connection, root: str, tmp_path: Path) -> None:
    say(root, "a", "one", "two", "three", **voices(1, 2, None))
    say(root, "b", "four", **voices(1))
    read_units(index, root)
    assert (speaking(index, 1), speaking(index, 2)) == (["four", "one"], ["two"])
    compact(root)
    read_units(index, root)
    assert speaking(index, 1) == ["four", "one"]
    say(root, "a", "one", "two", "three", **voices(3, 2, 1))
    Path(root, "_units", f"{stable_id('unit', 'b')}.json").unlink()
    read_units(index, root)
    assert [speaking(index, each) for each in (1, 2, 3)] == [["three"], ["two"], ["one"]]
    assert stored(1, 0) not in (tmp_path / "index.sqlite").read_bytes()


def test_voices_are_added_to_rows_that_had_none(index: sqlite3.Connection, root: str) -> None:
    say(root, "a", "one", "two")
    read_units(index, root)
    say(root, "a", "one", "two", **voices(1, 2))
    read_units(index, root)
    assert (speaking(index, 1), speaking(index, 2)) == (["one"], ["two"])


def test_who_is_stopped_before_the_lists_are_made_makes_them_next_time(
    index: sqlite3.Connection, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beam_audio.search.voices._FEWEST", 4)
    say(root, "a", "one", "two", "three", "four", **voices(1, 2, 3, 4))
    with monkeypatch.context() as patch:
        patch.setattr("beam_audio.search.voices.centres_of", _stop)
        with pytest.raises(KeyboardInterrupt):
            refresh(index, root, Refreshing())
    index.execute("ROLLBACK")
    read_units(index, root)
    assert index.execute("SELECT count(*) FROM voice_lists").fetchone() == (2,)
    assert [speaking(index, each) for each in (1, 2, 3)] == [["one"], ["two"], ["three"]]


def _stop(*_: object) -> None:
    raise KeyboardInterrupt
