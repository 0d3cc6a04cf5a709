"""Registered outputs, and their tables as the readers of each format see them."""

from __future__ import annotations

from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from pyiceberg.catalog.sql import SqlCatalog
from support.unit_runs import levels, ref, settings, tones, transcribe, write

from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.registration import Registration
from beam_audio.store.output_names import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.output.registration import FormatName
    from beam_audio.schema import Table
    from beam_audio.types import Row

FORMATS: tuple[FormatName, ...] = ("iceberg", "delta", "duckdb")
HISTORIC: tuple[FormatName, ...] = ("iceberg", "delta")
"""Those whose readers can look at what was before."""
SPEAKERS = ("a b", 'o\'hara "50%20"', "zoë/ü", None)


def odd_output(folder: Path) -> Path:
    """An output of three units in an odd folder: odd partition values, null ones, a failure."""
    out = folder / "o ut'x é #1 [a]"
    for number, speaker in enumerate(SPEAKERS):
        audio = write(folder / f"{number}.wav", tones(levels(1)))
        stated: dict[str, Any] = {"metadata": (("speaker", speaker),) if speaker else ()}
        if number % 2:
            stated |= {"event_time": None, "language": "de"}
        transcribe(out, ref(audio, **stated), using=_SETTINGS)
    damaged = folder / "damaged.wav"
    damaged.write_bytes(b"RIFF" * 9)
    transcribe(out, ref(damaged), using=_SETTINGS)
    return out


_SETTINGS = settings(partition_by=("date", "language", "speaker"), language="from_manifest")


def registration(name: FormatName) -> Registration:
    """The registration of a format with its defaults."""
    return Registration(name, "beam_audio")


def committed_rows(out: Path, table: Table) -> list[Row]:
    """The rows that count, as the commit records say; without folder keys."""
    counted = Counted.of(read_commits(str(out)))
    rows: list[Row] = []
    for name in counted.files_of(table):
        found = pq.read_table(out / name, partitioning=None).to_pylist()
        sources = counted.sources(name)
        rows += [row for row in found if sources is None or row["source_id"] in sources]
    return rows


def registered_rows(out: Path, name: FormatName, table: Table) -> list[Row]:
    """The rows of a table, read by the library of its format."""
    rows: list[Row] = _READERS[name](out, table).to_pylist()
    return rows


def same_rows(found: list[Row], expected: list[Row]) -> bool:
    """Whether two lists hold the same rows, in any order; a column that is left out is null.

    So is an empty list: pyiceberg 0.12 reads a null list of structs as an empty one.
    """
    return _plain(found) == _plain(expected)


def _plain(rows: list[Row]) -> list[str]:
    held = ({key: value for key, value in row.items() if value not in (None, [])} for row in rows)
    return sorted(repr(sorted(row.items())) for row in held)


def replace_texts(out: Path, text: str, units: int | None = None) -> None:
    """Let every segment of so many units say this, as a rewrite by curate would; of all if None."""

    def change(table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        if table != "segments":
            return rows
        place = rows.schema.get_field_index("text")
        said = pa.array([text] * rows.num_rows, pa.string())
        return rows.set_column(place, rows.schema.field(place), said)

    spoken = (each for each in read_commits(str(out)) if each.rows["segments"])
    for commit in islice(spoken, units):
        rewrite_unit(str(out), commit, change, name=text, run_id="r")


def iceberg_table(out: Path, table: str) -> Any:  # noqa: ANN401 - pyiceberg's
    """A table of the catalog inside an output."""
    folder = out / CATALOG
    catalog = SqlCatalog("beam_audio", uri=f"sqlite:///{folder}/catalog.db", warehouse=str(folder))
    with closing(catalog):
        return catalog.load_table(("beam_audio", table))


def delta_table(out: Path, table: str) -> Any:  # noqa: ANN401 - deltalake's
    """The Delta table of an output."""
    return DeltaTable((out / table).as_uri())


def _duckdb_rows(out: Path, table: str) -> pa.Table:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute((out / CATALOG / "views.sql").read_text(encoding="utf-8"))
        return database.sql(f"SELECT * FROM {table}").to_arrow_table()


_READERS = {
    "iceberg": lambda out, table: iceberg_table(out, table).scan().to_arrow(),
    "delta": lambda out, table: delta_table(out, table).to_pyarrow_table(),
    "duckdb": _duckdb_rows,
}


def opened_rows(out: Path, name: FormatName, table: Table) -> Callable[[], list[Row]]:
    """A table that is opened now and read by a call."""
    if name == "iceberg":
        scan = iceberg_table(out, table).scan()
        return lambda: list(scan.to_arrow().to_pylist())
    opened = delta_table(out, table)
    return lambda: list(opened.to_pyarrow_table().to_pylist())
