"""WriteParquet: rows into folders that other tools read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pyarrow.parquet
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support.run_outputs import listing, read_rows, run, write_speech

from beam_audio import WriteParquet, schema

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.schema import Table
    from beam_audio.types import Row


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Rows of a run in two languages, and one without a language."""
    folder = tmp_path_factory.mktemp("write")
    for index in range(3):
        write_speech(folder / "in" / f"{index}.wav", start_seconds=index)
    run(input=folder / "in", output=folder / "out", partition_by="")
    rows = read_rows(folder / "out", "segments")
    languages = ["en", "de", None]
    return [row | {"language": languages[index % 3]} for index, row in enumerate(rows)]


def write(rows: list[Row], output: Path, table: Table = "segments", **options: object) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(rows) | WriteParquet(str(output), table=table, **options)  # type: ignore[arg-type]  # as a test gives them


@pytest.mark.parametrize("shards", [1, 3])
def test_rows_read_back_as_they_were(rows: list[Row], tmp_path: Path, shards: int) -> None:
    write(rows, tmp_path, partition_by=("language",), shards=shards)
    found = read_rows(tmp_path, "segments")
    assert found == sorted(rows, key=lambda row: str(row["segment_id"]))
    folders = {path.name for path in (tmp_path / "segments").iterdir()}
    assert folders == {"language=en", "language=de", "language=__HIVE_DEFAULT_PARTITION__"}


def test_files_have_the_schema_of_the_table(rows: list[Row], tmp_path: Path) -> None:
    write(rows, tmp_path)
    (path,) = (tmp_path / "segments").glob("*.parquet")
    found = pyarrow.parquet.read_schema(path)
    assert set(found.names) == schema.column_names("segments")
    assert found.metadata[b"beam_audio.schema_version"].decode() == schema.SCHEMA_VERSION


def test_writing_again_replaces(rows: list[Row], tmp_path: Path) -> None:
    write(rows, tmp_path, partition_by=("language",))
    names = listing(tmp_path).keys()
    write(rows[::-1], tmp_path, partition_by=("language",))
    assert listing(tmp_path).keys() == names
    assert len(read_rows(tmp_path, "segments")) == len(rows)
