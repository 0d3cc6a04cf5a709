"""Groups of units, and what is noted of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import run, write_speech

from beam_audio.curate.redact import redact_unit
from beam_audio.errors import ConfigError, StoreError
from beam_audio.export import records
from beam_audio.export.options import ExportOptions
from beam_audio.export.totals import Totals
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ExportOptions("nemo")


@pytest.fixture
def out(tmp_path: Path) -> str:
    """An output of three units."""
    for index in range(3):
        write_speech(tmp_path / "in" / f"{index}.wav", index)
    run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    return str(tmp_path / "out")


def ids(
    out: str, options: ExportOptions = OPTIONS, *, is_redacted: bool = False, segments: int = 99
) -> list[str]:
    found = records.groups_of(out, options, is_redacted=is_redacted, segments=segments)
    return [group.group_id for group in found]


def test_small_units_are_one_group_and_large_ones_each_their_own(out: str) -> None:
    (group,) = records.groups_of(out, OPTIONS, is_redacted=False, segments=99)
    assert len(group.records) == 3
    assert len(ids(out, segments=1)) == 3


def test_a_group_is_another_one_when_its_rows_or_the_options_change(out: str) -> None:
    before = ids(out)
    compact(out)
    assert ids(out) == before
    assert ids(out, ExportOptions("nemo", columns=("wer",))) != before
    assert ids(out, is_redacted=True) != before
    redact_unit(out, next(read_commits(out)), run_id="r")
    assert ids(out) != before


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    record = records.GroupRecord(
        "g", ("data/a",), {"data/m": "x"}, Totals(items={"data": 1}), is_complete=True
    )
    assert records.read_record(str(tmp_path), "g") is None
    records.write_record(str(tmp_path), record)
    assert records.read_record(str(tmp_path), "g") == record
    assert [*records.read_records(str(tmp_path))] == [record]
    (tmp_path / records.record_name("g")).write_text("{}", "utf-8")
    with pytest.raises(StoreError, match="no record"):
        records.read_record(str(tmp_path), "g")


def test_a_folder_holds_one_export(tmp_path: Path) -> None:
    target = str(tmp_path / "x")
    records.claim_folder("/out", target, OPTIONS)
    records.claim_folder("/out", target, OPTIONS)
    with pytest.raises(ConfigError, match="another output or with other flags"):
        records.claim_folder("/out", target, ExportOptions("nemo", columns=("wer",)))
    with pytest.raises(ConfigError, match="another output or with other flags"):
        records.claim_folder("/other", target, OPTIONS)
    with pytest.raises(ConfigError, match="folder beside it"):
        records.claim_folder("/out", "/out/x", OPTIONS)
