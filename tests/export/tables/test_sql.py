"""SQL for DuckDB runs in DuckDB; SQL for BigQuery says what it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from support.registered import registration

from beam_audio.errors import ConfigError
from beam_audio.export.tables.content import Content, Part
from beam_audio.export.tables.register import register
from beam_audio.export.tables.sql import SqlFile, load_statement
from beam_audio.schema import column_names

if TYPE_CHECKING:
    from pathlib import Path


def test_views_have_every_column_also_of_tables_without_rows(out: Path) -> None:
    for path in (out / "_units").glob("*.json"):
        if '"failures": 1' in path.read_text(encoding="utf-8"):
            path.unlink()
    register(str(out), registration("duckdb"))
    with duckdb.connect() as database:
        database.execute((out / "_tables" / "views.sql").read_text(encoding="utf-8"))
        found = database.sql("SELECT * FROM failures")
        assert set(found.columns) == column_names("failures")
        assert found.fetchall() == []
        kinds = dict(
            database.sql("SELECT column_name, column_type FROM (DESCRIBE segments)").fetchall()
        )
    assert kinds["reasons"] == "VARCHAR[]"
    assert kinds["event_date"] == "DATE"
    assert kinds["event_time"] == "TIMESTAMP WITH TIME ZONE"


def test_bigquery_reads_buckets_alone(out: Path) -> None:
    with pytest.raises(ConfigError, match="reads gs:// alone"):
        SqlFile(str(out), "bigquery", "speech")


def content(*uris: str) -> Content:
    columns = pa.schema(
        [
            ("when", pa.timestamp("us", tz="UTC")),
            ("event_date", pa.date32()),
            ("reasons", pa.list_(pa.string())),
            ("words", pa.list_(pa.struct([("word", pa.string()), ("probability", pa.float64())]))),
            ("fingerprint", pa.binary()),
        ]
    )
    parts = {f"failures/{n}": Part(uri, 1, 0.0, {}) for n, uri in enumerate(uris)}
    return Content("failures", columns, ("event_date",), parts)


def test_bigquery_replaces_a_table_by_files_with_their_types() -> None:
    statement = load_statement(
        content("gs://b/o'hara/part-1.parquet", "gs://b/part-2.parquet"), "s"
    )
    assert statement == (
        "LOAD DATA OVERWRITE `s.failures` (`when` TIMESTAMP, `event_date` DATE, "
        "`reasons` ARRAY<STRING>, `words` ARRAY<STRUCT<word STRING, probability FLOAT64>>, "
        "`fingerprint` BYTES)\n"
        "  PARTITION BY event_date\n"
        "  FROM FILES (format = 'PARQUET', enable_list_inference = true, uris = [\n"
        "    'gs://b/o\\'hara/part-1.parquet',\n"
        "    'gs://b/part-2.parquet'\n"
        "  ]);\n"
    )
    assert load_statement(content(), "s").startswith("CREATE OR REPLACE TABLE `s.failures` (")


def test_more_files_than_bigquery_takes_are_refused() -> None:
    with pytest.raises(ConfigError, match="beam-audio compact"):
        load_statement(content(*map(str, range(10_001))), "s")
