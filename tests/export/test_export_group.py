"""One group of units: its files, its record, and what a second try does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.run_outputs import read_rows, run, write_speech
from support.unit_runs import files

from beam_audio.export.export_group import export_group
from beam_audio.export.formats.table import settled
from beam_audio.export.options import ExportOptions
from beam_audio.export.records import GroupRecord, groups_of, read_record


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output of two recordings without stored audio."""
    for index in range(2):
        write_speech(tmp_path / "in" / f"{index}.wav", index, seconds=4.0)
    run(input=tmp_path / "in", output=tmp_path / "out")
    return tmp_path / "out"


def exported(out: Path, target: Path, options: ExportOptions) -> GroupRecord:
    (group,) = groups_of(str(out), options, is_redacted=False, segments=99)
    export_group(str(out), str(target), settled(options), group, is_redacted=False)
    record = read_record(str(target), group.group_id)
    assert record is not None
    return record


def test_what_the_record_names_is_there_and_balances(out: Path, tmp_path: Path) -> None:
    options = ExportOptions("nemo", where="segment_index = 0", buckets=(1.0,))
    record = exported(out, tmp_path / "x", options)
    assert record.is_complete
    assert all(
        (tmp_path / "x" / name).is_file() for name in (*record.files, *record.lists.values())
    )
    assert record.totals.unbalanced == {}
    wanted = [row for row in read_rows(out, "segments") if row["segment_index"] == 0]
    assert sum(record.totals.items.values()) == len(wanted)
    assert {key.partition("@")[0] for key in record.totals.samples} == {
        "exported",
        "not in --where",
    }


def test_a_group_that_is_done_is_not_touched(out: Path, tmp_path: Path) -> None:
    options = ExportOptions("webdataset", where="true")
    exported(out, tmp_path / "x", options)
    before = files(tmp_path / "x")
    shutil.rmtree(tmp_path / "in")
    assert exported(out, tmp_path / "x", options).is_complete
    assert files(tmp_path / "x") == before


@pytest.mark.parametrize("name", ["nemo", "webdataset", "huggingface"])
def test_audio_that_comes_back_completes_the_group(out: Path, tmp_path: Path, name: str) -> None:
    options = ExportOptions(name, where="true")  # type: ignore[arg-type] # a format
    shutil.move(tmp_path / "in" / "0.wav", tmp_path / "0.wav")
    first = exported(out, tmp_path / "x", options)
    assert not first.is_complete
    assert first.totals.unbalanced == {}
    assert any("cannot be read" in key for key in first.totals.samples)
    shutil.move(tmp_path / "0.wav", tmp_path / "in" / "0.wav")
    second = exported(out, tmp_path / "x", options)
    assert second.is_complete
    assert {key.partition("@")[0] for key in second.totals.samples} == {"exported"}
    again = exported(out, tmp_path / "y", options)
    assert (again.files, again.totals) == (second.files, second.totals)


def test_texts_need_no_audio(out: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "in")
    record = exported(out, tmp_path / "x", ExportOptions("documents", where="true"))
    assert record.is_complete
    (lines,) = (tmp_path / "x" / "data").glob("*.jsonl")
    documents = [json.loads(line) for line in Path(lines).read_text("utf-8").splitlines()]
    assert {each["id"] for each in documents} == {
        row["recording_id"] for row in read_rows(out, "recordings")
    }
