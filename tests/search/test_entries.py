"""Rows of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.search.entries import Entries
from beam_audio.search.index import opened_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ID = "segment"


@pytest.fixture
def entries(tmp_path: Path) -> Iterator[Entries]:
    with opened_index(tmp_path / "index.sqlite") as index:
        index.execute("BEGIN IMMEDIATE")
        yield Entries(index)


def put(entries: Entries, unit: int, text: str, decision: str = "keep") -> int:
    row = (ID, "recording", 0.0, 1.0, "en", decision, text, None)
    return entries.put_segment(unit, row, text)


def found(entries: Entries, word: str) -> int:
    query = "SELECT count(*) FROM texts WHERE texts MATCH ?"
    ((count,),) = entries.database.execute(query, [word]).fetchall()
    return int(count)


def test_a_segment_that_is_there_already_is_not_written_again(entries: Entries) -> None:
    unit, held = entries.unit_of("_units/a.json")
    assert held is None
    number = put(entries, unit, "two boats")
    assert put(entries, unit, "two boats") == put(entries, unit, "two boats", "drop") == number
    assert (entries.written, found(entries, "boats")) == (1, 1)


def test_another_text_replaces_what_was_said(entries: Entries) -> None:
    unit, _ = entries.unit_of("_units/a.json")
    number = put(entries, unit, "two boats")
    assert put(entries, unit, "three coats") == number
    assert (found(entries, "boats"), found(entries, "coats")) == (0, 1)


def test_a_segment_belongs_to_the_unit_that_had_it_last(entries: Entries) -> None:
    first, _ = entries.unit_of("_units/a.json")
    second, _ = entries.unit_of("_units/b.json")
    put(entries, first, "two boats")
    put(entries, second, "two boats")
    entries.remove_unit(first)
    assert found(entries, "boats") == 1
    entries.remove_unit(second)
    assert found(entries, "boats") == 0


def test_no_byte_of_a_removed_segment_is_left(entries: Entries, tmp_path: Path) -> None:
    unit, _ = entries.unit_of("_units/a.json")
    number = put(entries, unit, "zanzibar xylophone")
    entries.commit()
    assert b"xylophone" in (tmp_path / "index.sqlite").read_bytes()
    entries.database.execute("BEGIN IMMEDIATE")
    entries.remove_segments([number])
    entries.commit()
    entries.erase_left_over()
    content = (tmp_path / "index.sqlite").read_bytes()
    assert b"xylophone" not in content
    assert b"anzibar" not in content
