"""Registered tables: what counts, in one commit, whatever happens to the rows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from support.project import ROOT
from support.registered import (
    FORMATS,
    HISTORIC,
    SPEAKERS,
    committed_rows,
    iceberg_table,
    opened_rows,
    registered_rows,
    registration,
    replace_texts,
    same_rows,
)

from beam_audio.export.tables.content import CommittedMeanwhileError, Content, read_content
from beam_audio.export.tables.register import kept_names, register, registered, release, tables_of
from beam_audio.output.compact import compact
from beam_audio.output.expire import expire, find_expired, superseded_parts
from beam_audio.schema import ADDED_COLUMNS
from beam_audio.store.output_names import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.output.registration import FormatName


def check(out: Path, name: FormatName) -> None:
    """Check that each table holds the rows that count."""
    for table in TABLES:
        assert same_rows(registered_rows(out, name, table), committed_rows(out, table)), table


@pytest.mark.parametrize("name", FORMATS)
def test_tables_hold_the_rows_that_count_whatever_replaces_them(
    out: Path, name: FormatName
) -> None:
    found = register(str(out), registration(name))
    added = {each.table: each.added for each in found}
    assert added == {"segments": len(SPEAKERS), "recordings": len(SPEAKERS), "failures": 1}
    check(out, name)
    again = register(str(out), registration(name))
    assert [(each.added, each.removed) for each in again] == [(0, 0)] * 3
    replace_texts(out, "new")
    compact(str(out))
    register(str(out), registration(name))
    assert {row["text"] for row in registered_rows(out, name, "segments")} == {"new"}
    check(out, name)


def test_a_shared_file_is_written_again_when_a_unit_has_left_it(out: Path) -> None:
    compact(str(out))
    replace_texts(out, "new", units=1)
    register(str(out), registration("delta"))
    check(out, "delta")


@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_sees_old_rows_or_new_ones(out: Path, name: FormatName) -> None:
    replace_texts(out, "0")
    register(str(out), registration(name))

    def go_on() -> None:
        for number in range(1, 3):
            replace_texts(out, str(number))
            register(str(out), registration(name))

    writer = threading.Thread(target=go_on)
    writer.start()
    seen = []
    while writer.is_alive():
        texts = [row["text"] for row in registered_rows(out, name, "segments")]
        assert texts == [texts[0]] * len(SPEAKERS)
        seen += texts
    assert seen == sorted(seen)


@pytest.mark.parametrize("name", HISTORIC)
def test_a_reader_that_began_before_reads_to_the_end_until_expire(
    out: Path, name: FormatName
) -> None:
    register(str(out), registration(name))
    expected = committed_rows(out, "segments")
    read = opened_rows(out, name, "segments")
    replace_texts(out, "new")
    register(str(out), registration(name))
    assert same_rows(read(), expected)
    old = set(superseded_parts(str(out)))
    tables, later = registered(str(out)), time.time() + 7200
    assert old <= kept_names(tables, 0.0)
    assert find_expired(str(out), 3600, later, kept_names(tables, 0.0)) == []
    assert not old & kept_names(tables, later)
    for each in tables:
        each.expire_history(later)
    assert not old & kept_names(tables, 0.0)
    gone = expire(str(out), find_expired(str(out), 3600, later, kept_names(tables, later)))
    assert {each.name for each in gone} == old
    check(out, name)
    replace_texts(out, "newer")
    register(str(out), registration(name))
    check(out, name)


@pytest.mark.parametrize("name", FORMATS)
def test_of_two_at_once_one_looks_again(out: Path, name: FormatName) -> None:
    register(str(out), registration(name))
    replace_texts(out, "new")
    old = read_content(str(out))

    def read() -> list[Content]:
        replace_texts(out, "newer")
        register(str(out), registration(name))
        return old

    with pytest.raises(CommittedMeanwhileError):
        tables_of(str(out), registration(name)).replace(read)
    check(out, name)


@pytest.mark.parametrize("name", HISTORIC)
def test_columns_that_came_later_are_null_in_files_made_before(
    tmp_path: Path, name: FormatName
) -> None:
    out = shutil.copytree(ROOT / "tests" / "data" / "output-2.0", tmp_path / "older")

    def as_before() -> list[Content]:
        return [
            replace(
                each, columns=pa.schema([f for f in each.columns if f.name not in ADDED_COLUMNS])
            )
            for each in read_content(str(out))
        ]

    tables_of(str(out), registration(name)).replace(as_before)
    check(out, name)
    assert "label_text" not in registered_rows(out, name, "segments")[0]
    before = registered_rows(out, name, "recordings")
    replace_texts(out, "new")
    register(str(out), registration(name))
    check(out, name)
    (row,) = registered_rows(out, name, "segments")
    assert (row["text"], row["label_text"]) == ("new", None)
    assert same_rows(registered_rows(out, name, "recordings"), before)


def test_who_is_killed_before_the_commit_leaves_the_table_as_it_was(out: Path) -> None:
    register(str(out), registration("iceberg"))
    before = committed_rows(out, "segments")
    replace_texts(out, "new")
    program = (
        "import os, sys; from pyiceberg.catalog.sql import SqlCatalog; "
        "SqlCatalog.commit_table = lambda *_: os._exit(9); "
        "from beam_audio.command.cli import main; main(sys.argv[1:])"
    )
    ran = subprocess.run([sys.executable, "-c", program, "tables", str(out)], check=False)
    assert ran.returncode == 9
    assert same_rows(registered_rows(out, "iceberg", "segments"), before)
    release(str(out))
    check(out, "iceberg")


def test_release_leaves_no_version_with_a_superseded_file(out: Path) -> None:
    for name in FORMATS:
        register(str(out), registration(name))
    replace_texts(out, "new")
    old = set(superseded_parts(str(out)))
    release(str(out))
    assert old
    assert not old & kept_names(registered(str(out)), 0.0)
    assert len(list(iceberg_table(out, "segments").snapshots())) == 1
    assert len(list((out / "segments" / "_delta_log").glob("*.json"))) == 1
    for name in FORMATS:
        check(out, name)
