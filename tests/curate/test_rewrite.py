"""Rewriting of committed rows: old or new, never both, and nothing written for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.unit_runs import files, levels, read_all, ref, settings, tones, transcribe, write

from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.output.commits import Commit, delete_uncommitted, read_commits
from beam_audio.output.compact import compact, drop_stale_rows
from beam_audio.output.ledger import read_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.curate.rewrite import Rewritten
    from beam_audio.schema import Table
    from beam_audio.types import AudioRef


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return [ref(write(tmp_path / f"{n}.wav", tones(levels(n + 1)))) for n in range(3)]


@pytest.fixture
def out(tmp_path: Path, inputs: list[AudioRef]) -> Path:
    """An output of two units, with stored audio."""
    stored = settings(store_audio="flac")
    transcribe(tmp_path / "out", *inputs[:2], using=stored)
    transcribe(tmp_path / "out", inputs[2], using=stored)
    return tmp_path / "out"


def shout(table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
    """Texts of segments and recordings in capitals."""
    if table == "failures":
        return rows
    index = rows.schema.get_field_index("text")
    return rows.set_column(index, rows.schema.field(index), pc.utf8_upper(rows.column("text")))


def as_it_is(_table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows


def shouted(root: Path) -> list[Rewritten]:
    return [
        rewrite_unit(str(root), each, shout, name="shout", run_id="r")
        for each in read_commits(str(root))
    ]


def units(root: Path) -> list[Commit]:
    return sorted(read_commits(str(root)), key=lambda commit: commit.unit_id)


def test_rows_are_what_the_change_makes_of_them(out: Path, inputs: list[AudioRef]) -> None:
    before = read_all(out)
    assert {each.outcome for each in shouted(out)} == {"written"}
    after = read_all(out)
    for table in ("segments", "recordings"):
        expected = [row | {"text": row["text"].upper()} for row in before[table]]
        assert sorted(after[table], key=repr) == sorted(expected, key=repr)
        assert after[table] != before[table]
    named = {name for commit in units(out) for name in commit.files}
    assert named == {name for name in files(out) if name.endswith(".parquet")}
    assert read_ledger(str(out), [item.source_id for item in inputs]).balances


def test_a_unit_that_stays_as_it_is_is_not_written(out: Path) -> None:
    shouted(out)
    stood = files(out)
    assert {each.outcome for each in shouted(out)} == {"unchanged"}
    assert files(out) == stood


def test_an_input_that_is_left_out_has_no_rows(out: Path, inputs: list[AudioRef]) -> None:
    gone, stays = inputs[0].source_id, inputs[1].source_id
    (unit,) = (each for each in units(out) if gone in each.sources)
    sources = {stays: unit.sources[stays]}
    rewrite_unit(str(out), unit, as_it_is, name="forget", run_id="r", sources=sources)
    ids = {row["source_id"] for rows in read_all(out).values() for row in rows}
    assert ids == {item.source_id for item in inputs[1:]}


def test_a_faster_writer_keeps_its_rows(out: Path) -> None:
    first, _ = old = units(out)
    shouted(out)
    stood = files(out)
    late = rewrite_unit(str(out), old[0], as_it_is, name="late", run_id="s", sources={})
    assert late.outcome == "lost"
    assert late.commit.version == first.version + 1
    assert files(out) == stood


def test_units_of_a_merged_file_are_rewritten_one_by_one(out: Path, inputs: list[AudioRef]) -> None:
    compact(str(out))
    before = read_all(out)
    first, second = units(out)
    rewrite_unit(str(out), first, shout, name="shout", run_id="r")
    rewrite_unit(str(out), second, shout, name="shout", run_id="r")
    drop_stale_rows(str(out))
    texts = {row["text"] for row in before["segments"]}
    assert {row["text"] for row in read_all(out)["segments"]} == {each.upper() for each in texts}
    assert read_ledger(str(out), [item.source_id for item in inputs]).balances


class Stopped(BaseException):
    """Ends the work where it is, as a kill does."""


@pytest.mark.parametrize("step", ["files", "record", "old files"])
def test_who_is_stopped_leaves_the_old_rows_or_the_new(
    step: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_all(out)
    first, second = units(out)
    stopped_at = {
        "files": "beam_audio.store.move_into",
        "record": "beam_audio.output.commits.swap",
        "old files": "beam_audio.store.delete",
    }[step]

    def stop(*_arguments: object, **_named: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(stopped_at, stop)
        with pytest.raises(Stopped):
            rewrite_unit(str(out), first, shout, name="shout", run_id="r")
    delete_uncommitted(str(out))
    if step != "old files":
        assert read_all(out) == before
    assert rewrite_unit(str(out), units(out)[0], shout, name="shout", run_id="r").outcome == (
        "unchanged" if step == "old files" else "written"
    )
    rewrite_unit(str(out), second, shout, name="shout", run_id="r")
    texts = {row["text"].upper() for row in before["segments"]}
    assert {row["text"] for row in read_all(out)["segments"]} == texts
