"""Rows that are asked for, by decision or by a condition."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from support.run_outputs import read_rows, run, write_manifest, write_speech

from beam_audio.curate.redact import redact_unit
from beam_audio.errors import ConfigError
from beam_audio.export.choose import NOT_ASKED_FOR, check_where, choose, is_redacted
from beam_audio.export.options import ExportOptions
from beam_audio.output.commits import read_commits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def out(tmp_path: Path) -> str:
    """An output of two recordings, in folders by speaker."""
    lines = [
        {"audio_filepath": str(write_speech(tmp_path / f"{name}.wav", start)), "speaker": name}
        for name, start in (("anna", 0.0), ("bert", 2.0))
    ]
    manifest = write_manifest(tmp_path / "m.jsonl", lines)
    run(manifest=manifest, output=tmp_path / "out", partition_by="date,speaker")
    return str(tmp_path / "out")


def left_out(out: str, options: ExportOptions) -> dict[str, str]:
    return dict(choose(out, list(read_commits(out)), options).left_out)


def test_segments_of_other_decisions_are_left_out(out: str) -> None:
    rows = read_rows(out, "segments")
    (decision,) = {row["decision"] for row in rows}
    assert left_out(out, ExportOptions("nemo", decision=decision)) == {}
    other = "drop" if decision != "drop" else "keep"
    reasons = left_out(out, ExportOptions("nemo", decision=other))  # type: ignore[arg-type] # a decision
    assert reasons == {row["segment_id"]: f"decision {decision}" for row in rows}


def test_a_condition_sees_all_columns_and_the_keys_of_folders(out: str) -> None:
    where = "speaker = 'anna' AND duration_seconds > 0 AND metadata->>'$.speaker' IS NOT NULL"
    found = left_out(out, ExportOptions("nemo", where=where))
    others = [row["segment_id"] for row in read_rows(out, "segments") if row["speaker"] != "anna"]
    assert found == dict.fromkeys(others, NOT_ASKED_FOR)


def test_rows_are_in_order_of_time_and_have_their_recording(out: str) -> None:
    found = choose(out, list(read_commits(out)), ExportOptions("nemo"))
    assert found.segments.keys() == found.recordings.keys()
    for rows in found.segments.values():
        starts = [row["start_seconds"] for row in rows]
        assert starts == sorted(starts)


@pytest.mark.parametrize("where", ["wer <", "nothing = 1", "1=1); DROP TABLE segments; --"])
def test_a_condition_that_is_none_is_refused_at_once(out: str, where: str) -> None:
    with pytest.raises(ConfigError, match="is not understood"):
        check_where(out, where)


def test_a_condition_reads_no_files(out: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n", "utf-8")
    with pytest.raises(ConfigError, match="is not understood"):
        check_where(out, f"1 IN (SELECT a FROM read_csv('{tmp_path}/secret.csv'))")


def test_ends_of_files_are_freed_without_the_garbage_collector(out: str) -> None:
    gc.collect()
    gc.disable()
    try:
        assert not is_redacted(out)
        held = [each for each in gc.get_objects() if isinstance(each, pq.FileMetaData)]
    finally:
        gc.enable()
    assert not held


def test_it_is_known_whether_an_output_is_redacted(out: str) -> None:
    assert not is_redacted(out)
    for commit in list(read_commits(out)):
        redact_unit(out, commit, run_id="r")
    assert is_redacted(out)
