from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import read_rows, run, write_speech

from beam_audio.errors import ConfigError, StoreError
from beam_audio.output.compact import compact
from beam_audio.report.tables import keep_figures, opened_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.report.tables import Tables

OLD_OUTPUT = Path(__file__).parents[1] / "data" / "output-2.0"


def ids(tables: Tables) -> list[str]:
    rows = tables.rows("SELECT segment_id FROM all_segments ORDER BY 1")
    return [row["segment_id"] for row in rows]


def test_the_segments_are_those_that_are_committed(tables: Tables, output: Path) -> None:
    stored = read_rows(output, "segments")
    assert ids(tables) == [row["segment_id"] for row in stored]
    keep_figures(tables, None)
    sums = tables.row("SELECT sum(seconds) AS seconds, sum(wer_errors) AS errors FROM segments")
    assert sums["seconds"] == pytest.approx(
        sum(row["core_end_seconds"] - row["core_start_seconds"] for row in stored)
    )
    assert sums["errors"] == sum(
        row["wer_substitutions"] + row["wer_deletions"] + row["wer_insertions"]
        for row in stored
        if row["wer"] is not None
    )


def test_measures_that_are_no_columns_are_those_that_rules_see(tables: Tables) -> None:
    measures = keep_figures(tables, None)
    assert {"speech_seconds", "chars_per_speech_second", "snr_db", "wer"} <= set(measures)
    row = tables.row(
        "SELECT segments.*, all_segments.speech AS speech FROM segments "
        "JOIN all_segments USING (segment_id) LIMIT 1"
    )
    spoken = sum(each["end_seconds"] - each["start_seconds"] for each in row["speech"])
    assert row["speech_seconds"] == pytest.approx(spoken, abs=1e-4)
    rate = row["chars_per_second"] * row["duration_seconds"] / spoken
    assert row["chars_per_speech_second"] == pytest.approx(rate, abs=1e-3)


def test_rows_that_no_record_names_are_not_seen(output: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(output, tmp_path / "out")
    part = next(copy.glob("segments/**/*.parquet"))
    shutil.copy(part, part.with_name("part-00-1-00.parquet"))
    with opened_tables(str(copy)) as tables:
        assert len(ids(tables)) == len(set(ids(tables)))


def test_a_compacted_output_has_the_same_segments(tmp_path: Path) -> None:
    for number in range(3):
        write_speech(tmp_path / "audio" / f"{number}.wav", start_seconds=number)
    output = str(tmp_path / "out [1]*")  # a pattern for DuckDB, if it were told
    run(input=tmp_path / "audio", output=output, unit_bytes=1)
    with opened_tables(output) as tables:
        before = ids(tables)
    compact(output)
    with opened_tables(output) as tables:
        assert ids(tables) == before
        assert {row["part"].rpartition("/")[2][:11] for row in tables.rows(
            "SELECT part FROM all_segments")} == {"part-shared"}  # fmt: skip


def test_an_older_output_is_read_and_has_no_track() -> None:
    with opened_tables(str(OLD_OUTPUT)) as tables:
        assert tables.row("SELECT track, text FROM all_segments")["track"] is None


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1 no PAR1")])
def test_a_missing_or_damaged_part_file_is_named(
    output: Path, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    copy = shutil.copytree(output, tmp_path / "out")
    damage(next(copy.glob("segments/**/*.parquet")))
    with pytest.raises(StoreError, match=r"cannot be read.*part-"), opened_tables(str(copy)):
        pass


def test_a_folder_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no rows"), opened_tables(str(tmp_path)):
        pass
