"""The output opens with what people read Parquet with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pyarrow.dataset
import pytest
from support.run_outputs import read_rows, run, write_manifest, write_speech

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    for index in range(2):
        write_speech(folder / f"{index}.wav", start_seconds=2.0 * index)
    return folder


@pytest.fixture(scope="module")
def plain(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output in the folders of the default."""
    output = tmp_path_factory.mktemp("plain") / "out"
    assert run(input=audio, output=output, unit_bytes=1).exit_status == 0
    return output


@pytest.fixture(scope="module")
def partitioned(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output partitioned by a metadata key too, which one recording lacks."""
    folder = tmp_path_factory.mktemp("partitioned")
    lines: list[dict[str, str] | str] = [
        {"audio_filepath": str(audio / "0.wav"), "room": "R 1/2", "event_time": "2020-01-02"},
        {"audio_filepath": str(audio / "1.wav"), "event_time": "2021-03-04T23:59:59-02:00"},
    ]
    manifest = write_manifest(folder / "m.jsonl", lines)
    result = run(manifest=manifest, output=folder / "out", partition_by="date,language,room")
    assert result.exit_status == 0
    return folder / "out"


def test_folders_are_named_by_date_language_and_metadata(partitioned: Path) -> None:
    folders = {
        str(path.parent.relative_to(partitioned / "segments"))
        for path in (partitioned / "segments").rglob("*.parquet")
    }
    assert folders == {
        "date=2020-01-02/language=en/room=R%201%2F2",
        "date=2021-03-05/language=en/room=__HIVE_DEFAULT_PARTITION__",
    }


EXPECTED_PARTITIONS = {("2020-01-02", "en", "R 1/2"), ("2021-03-05", "en", None)}


def test_pyarrow_reads_it(partitioned: Path) -> None:
    table = pyarrow.dataset.dataset(partitioned / "segments", partitioning="hive").to_table()
    found = {(str(row["date"]), row["language"], row["room"]) for row in table.to_pylist()}
    assert found == EXPECTED_PARTITIONS


def test_duckdb_reads_it(partitioned: Path) -> None:
    query = (
        "select date::varchar, language, room, text from read_parquet(?, hive_partitioning=true)"
    )
    files = f"{partitioned}/segments/**/*.parquet"
    rows = duckdb.connect().execute(query, [files]).fetchall()
    assert {row[:3] for row in rows} == EXPECTED_PARTITIONS
    assert all(row[3] for row in rows)


def test_pandas_reads_it(plain: Path) -> None:
    frame = pd.read_parquet(plain / "segments")
    assert set(frame["language"]) == {"en"}
    assert sorted(frame["text"]) == sorted(row["text"] for row in read_rows(plain, "segments"))


def test_pandas_reads_null_partitions_told_not_to_make_categories(partitioned: Path) -> None:
    """By default pyarrow makes categories of them, which cannot hold a null beside a value."""
    partitioning = pyarrow.dataset.partitioning(flavor="hive")
    frame = pd.read_parquet(partitioned / "segments", partitioning=partitioning)
    rooms = frame["room"].astype(object).where(frame["room"].notna(), None)
    found = set(zip(frame["date"].astype(str), frame["language"], rooms, strict=True))
    assert found == EXPECTED_PARTITIONS
    assert frame["text"].notna().all()


def test_words_are_lists_of_records(plain: Path) -> None:
    rows = read_rows(plain, "segments")
    expected = {word["word"] for row in rows for word in row["words"]}
    query = (
        "select word.word, word.start_seconds < word.end_seconds "
        "from (select unnest(words) as word from read_parquet(?))"
    )
    files = f"{plain}/segments/**/*.parquet"
    found = duckdb.connect().execute(query, [files]).fetchall()
    assert {word for word, _ in found} == expected != set()
    assert all(in_order for _, in_order in found)
    frame = pd.read_parquet(plain / "segments", columns=["words"])
    assert {word["word"] for words in frame["words"] for word in words} == expected


def test_columns_that_name_folders_are_not_stored(partitioned: Path) -> None:
    for path in (partitioned / "segments").rglob("*.parquet"):
        names = pyarrow.dataset.dataset(path).schema.names
        assert not {"date", "language", "room"} & set(names)
