"""Iceberg tables: what their metadata tells, and whose they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pyiceberg.utils.config import Config
from support.registered import iceberg_table, registration

from beam_audio.errors import ConfigError
from beam_audio.export.tables.iceberg import IcebergTables
from beam_audio.export.tables.register import register
from beam_audio.output.registration import Registration


def test_metadata_holds_no_value_but_those_of_partitions(out: Path) -> None:
    register(str(out), registration("iceberg"))
    table = iceberg_table(out, "segments")
    names = {field.name for field in table.spec().fields}
    assert names == {"event_date", "text_language"}
    ids = {table.schema().find_field(name).field_id for name in names}
    for manifest in table.current_snapshot().manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io):
            assert set(entry.data_file.lower_bounds) <= ids
    assert table.scan(row_filter="text_language = 'de'").count() == 2
    assert table.scan(row_filter="event_date is null").count() == 2


def test_another_output_needs_another_namespace(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    for key, value in {
        "TYPE": "sql",
        "URI": f"sqlite:///{folder}/c.db",
        "WAREHOUSE": str(folder),
    }.items():
        monkeypatch.setenv(f"PYICEBERG_CATALOG__HERE__{key}", value)
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # read once a process
    other = Path(shutil.copytree(out, tmp_path / "other"))
    register(str(out), Registration("iceberg", "one", "here"))
    with pytest.raises(ConfigError, match="give another --namespace"):
        register(str(other), Registration("iceberg", "one", "here"))
    found = register(str(other), Registration("iceberg", "two", "here"))
    assert [each.added for each in found] == [4, 4, 1]


def test_a_catalog_that_is_missing_is_told() -> None:
    with pytest.raises(ConfigError, match="cannot hold a catalog"):
        IcebergTables("gs://bucket/out", "one", "")
