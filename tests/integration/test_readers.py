"""The output opens with what people read Parquet with: the README's lines, each run on an output.

The readers have an environment of their own, which ``make readers`` sets up: some need other
versions than the package does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.project import ROOT
from support.run_outputs import read_rows, run, write_manifest, write_speech

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(
    r"<!-- not run: it needs other readers; tests/integration/test_readers.py runs it -->\n"
    r"```python\n"
    r"# (?P<reader>\w+).*\n(?P<code>(?:.*\n)*?)```\n"
)
LINES = {found["reader"]: found["code"] for found in BLOCK.finditer(README)}
AS_RECORDS = {
    "pyarrow": "rows.to_pylist()",
    "pandas": "rows.astype(object).where(rows.notna(), None).to_dict('records')",
    "DuckDB": "rows.fetch_arrow_table().to_pylist()",
    "polars": "rows.to_dicts()",
    "Hugging": "rows.to_list()",
    "Spark": "[row.asDict() for row in rows.collect()]",
}
"""By the reader's first word, how its rows become records."""
PRINTED = """
names = ("date", "language", "speaker", "event_date", "text_language", "room", "reference_text")
records = [{name: row[name] for name in (*names, "metadata") if name in row} for row in %s]
import json
print(json.dumps(records, default=str))
"""
STATED = [
    {"speaker": "007", "event_time": "2020-01-02", "text": "when the rain stopped"},
    {"speaker": "7", "event_time": "2020-01-02", "room": "R 1/2"},
    {"event_time": "2021-03-04T23:59:59-02:00"},
]


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    for index in range(len(STATED)):
        write_speech(folder / f"{index}.wav", start_seconds=1.0 * index)
    return folder


@pytest.fixture(scope="module")
def lines(audio: Path) -> list[dict[str, Any] | str]:
    """A manifest's lines; the last has none of the others' keys."""
    return [
        {"audio_filepath": str(audio / f"{index}.wav"), "lang": "en", **stated}
        for index, stated in enumerate(STATED)
    ]


@pytest.fixture(scope="module")
def plain(lines: list[dict[str, Any] | str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output in the folders of the default."""
    folder = tmp_path_factory.mktemp("plain")
    manifest = write_manifest(folder / "m.jsonl", lines)
    assert run(manifest=manifest, output=folder / "out").exit_status == 0
    return folder / "out"


@pytest.fixture(scope="module")
def folder(lines: list[dict[str, Any] | str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an output ``out`` as the README's lines read it."""
    folder = tmp_path_factory.mktemp("partitioned")
    manifest = write_manifest(folder / "m.jsonl", lines)
    result = run(
        manifest=manifest,
        output=folder / "out",
        partition_by="date,language,speaker",
        metadata_columns="room",
    )
    assert result.exit_status == 0
    return folder


def expected(*, folder_keys: bool) -> list[dict[str, str | None]]:
    """What a reader must find of each recording, with or without the keys of its folders."""
    found = []
    for day, stated in zip(("2020-01-02", "2020-01-02", "2021-03-05"), STATED, strict=True):
        metadata = {key: stated[key] for key in ("room", "speaker") if key in stated}
        row = {
            "event_date": day,
            "text_language": "en",
            "room": stated.get("room"),
            "metadata": json.dumps(metadata),
        }
        keys = {"date": day, "language": "en", "speaker": stated.get("speaker")}
        found.append(keys | row if folder_keys else row)
    return found


def test_the_readme_has_lines_for_six_readers() -> None:
    assert LINES.keys() == AS_RECORDS.keys()


@pytest.mark.integration
@pytest.mark.parametrize("reader", AS_RECORDS)
def test_a_reader_finds_texts_as_texts_and_nulls_as_nulls(folder: Path, reader: str) -> None:
    python = ROOT / ".venv-readers" / "bin" / "python"
    assert python.exists(), "make readers sets up the environment of this test"
    ran = subprocess.run(
        [python, "-c", LINES[reader] + PRINTED % AS_RECORDS[reader]],
        cwd=folder,
        env=os.environ | {"HOME": str(folder), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(ran.stdout.splitlines()[-1])
    references = [row.pop("reference_text") for row in rows]
    assert any(references)
    assert None in references
    recordings = expected(folder_keys=reader != "Hugging")
    assert all(row in recordings for row in rows)
    assert all(recording in rows for recording in recordings)


def test_folders_are_named_by_date_language_and_metadata(folder: Path) -> None:
    segments = folder / "out" / "segments"
    folders = {str(path.parent.relative_to(segments)) for path in segments.rglob("*.parquet")}
    assert folders == {
        "date=2020-01-02/language=en/speaker=007",
        "date=2020-01-02/language=en/speaker=7",
        "date=2021-03-05/language=en/speaker=__HIVE_DEFAULT_PARTITION__",
    }


def test_columns_that_name_folders_are_not_stored(folder: Path) -> None:
    for path in (folder / "out" / "segments").rglob("*.parquet"):
        names = pq.read_schema(path).names
        assert not {"date", "language", "speaker"} & set(names)
        assert {"event_date", "text_language", "room"} <= set(names)


def test_pandas_reads_the_default_folders_untold(plain: Path) -> None:
    frame = pd.read_parquet(plain / "segments")
    assert set(frame["language"]) == {"en"}
    assert sorted(frame["text"]) == sorted(row["text"] for row in read_rows(plain, "segments"))


def test_rows_can_be_grouped_by_a_key_of_the_manifest(plain: Path) -> None:
    """Case 49_readers_of_the_tables: key, day and language are in the files."""
    query = (
        "select metadata->>'$.speaker' as speaker, event_date, text_language, count(*) > 0 "
        "from read_parquet(?, hive_partitioning=false) group by all"
    )
    files = f"{plain}/segments/**/*.parquet"
    found = duckdb.connect().execute(query, [files]).fetchall()
    assert set(found) == {
        ("007", date(2020, 1, 2), "en", True),
        ("7", date(2020, 1, 2), "en", True),
        (None, date(2021, 3, 5), "en", True),
    }


def test_words_are_lists_of_records(plain: Path) -> None:
    rows = read_rows(plain, "segments")
    expected_words = {word["word"] for row in rows for word in row["words"]}
    query = (
        "select word.word, word.start_seconds < word.end_seconds "
        "from (select unnest(words) as word from read_parquet(?))"
    )
    files = f"{plain}/segments/**/*.parquet"
    found = duckdb.connect().execute(query, [files]).fetchall()
    assert {word for word, _ in found} == expected_words != set()
    assert all(in_order for _, in_order in found)
    frame = pd.read_parquet(plain / "segments", columns=["words"])
    assert {word["word"] for words in frame["words"] for word in words} == expected_words
