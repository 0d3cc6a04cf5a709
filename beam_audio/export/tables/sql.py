"""SQL that names the part files that count: views for DuckDB, a load for BigQuery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pyarrow as pa

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.export.tables.content import Change, CommittedMeanwhileError, address
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import CATALOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beam_audio.export.tables.content import Content

Dialect = Literal["duckdb", "bigquery"]

VIEWS: Final = f"{CATALOG}/views.sql"
LOAD: Final = f"{CATALOG}/load.sql"

_MOST_FILES: Final = 10_000
"""What BigQuery takes in one statement."""
_DUCKDB: Final = {
    pa.string(): "VARCHAR",
    pa.int8(): "TINYINT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.binary(): "BLOB",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}
_BIGQUERY: Final = {
    pa.string(): "STRING",
    pa.int8(): "INT64",
    pa.int64(): "INT64",
    pa.float64(): "FLOAT64",
    pa.bool_(): "BOOL",
    pa.date32(): "DATE",
    pa.binary(): "BYTES",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A file of SQL in the output.

    Attributes:
        root: The output folder.
        dialect: Whose SQL it is.
        namespace: BigQuery's data set.
    """

    root: str
    dialect: Dialect
    namespace: str

    def __post_init__(self) -> None:
        """Check that BigQuery can read the part files.

        Raises:
            ConfigError: It cannot.
        """
        if self.dialect == "bigquery" and store.scheme(self.root) != "gs":
            raise ConfigError(f"BigQuery reads gs:// alone, and the output is {self.root}")

    @property
    def name(self) -> str:
        """The file, relative to the output."""
        return VIEWS if self.dialect == "duckdb" else LOAD

    def replace(self, read: Callable[[], Sequence[Content]]) -> list[Change]:
        """As in :class:`beam_audio.export.tables.content.Tables`; the file changes as a whole."""
        before = self._text()
        contents = read()
        statements = [
            view_statement(each)
            if self.dialect == "duckdb"
            else load_statement(each, self.namespace)
            for each in contents
        ]
        text = "".join(statements)
        if contents and text != before:
            uri = store.join(self.root, self.name)
            content = text.encode()
            if (
                swap(self.root, self.name, content, lambda now: (now or b"") == before.encode())
                != content
            ):
                raise CommittedMeanwhileError(f"another program writes {uri!r}")
        present = self._names(before)
        return [_change(each, present) for each in contents]

    def kept_names(self, before_seconds: float) -> set[str]:
        """As in :class:`beam_audio.export.tables.content.Tables`; there is no history."""
        del before_seconds
        return self._names(self._text())

    def _names(self, text: str) -> set[str]:
        start = f"'{_escaped(address(self.root), self.dialect)}/"
        lines = (line.strip().rstrip(",") for line in text.splitlines())
        return {line[len(start) : -1] for line in lines if line.startswith(start)}

    def expire_history(self, before_seconds: float) -> None:
        """Nothing: there is no history."""

    def _text(self) -> str:
        uri = store.join(self.root, self.name)
        if not store.exists(uri):
            return ""
        with store.open_to_read(uri) as file:
            return file.read().decode()


def _change(content: Content, present: set[str]) -> Change:
    before = {name for name in present if name.startswith(f"{content.table}/")}
    added, removed = content.parts.keys() - before, before - content.parts.keys()
    return Change(content.table, len(added), len(removed), len(content.parts))


def view_statement(content: Content) -> str:
    """A view of DuckDB with every column, null where a file lacks it."""
    columns = ", ".join(
        f'NULL::{_type(field.type, "duckdb")} AS "{field.name}"' for field in content.columns
    )
    text = f"CREATE OR REPLACE VIEW {content.table} AS\n  SELECT {columns} WHERE false"
    if content.parts:
        read = f"[\n{_files(content, 'duckdb')}\n  ]"
        text += (
            "\n  UNION ALL BY NAME SELECT * FROM read_parquet("  # noqa: S608 - names of ours
            f"{read}, union_by_name = true, hive_partitioning = false)"
        )
    return f"{text};\n"


def load_statement(content: Content, data_set: str) -> str:
    """A statement of BigQuery that replaces a table as a whole.

    Raises:
        ConfigError: There are more part files than BigQuery takes.
    """
    if len(content.parts) > _MOST_FILES:
        raise ConfigError(
            f"BigQuery loads {_MOST_FILES:,} files at once, and {content.table} has "
            f"{len(content.parts):,}: merge them with beam-audio compact"
        )
    columns = ", ".join(
        f"`{field.name}` {_type(field.type, 'bigquery')}" for field in content.columns
    )
    by = content.partition_by
    table = f"`{data_set}.{content.table}` ({columns})"
    if "event_date" in by:
        table += "\n  PARTITION BY event_date"
    if "text_language" in by:
        table += "\n  CLUSTER BY text_language"
    if not content.parts:
        return f"CREATE OR REPLACE TABLE {table};\n"
    return (
        f"LOAD DATA OVERWRITE {table}\n"
        "  FROM FILES (format = 'PARQUET', enable_list_inference = true, uris = [\n"
        f"{_files(content, 'bigquery')}\n"
        "  ]);\n"
    )


def _files(content: Content, dialect: Dialect) -> str:
    """The part files as text, each in a line of its own."""
    uris: Iterable[str] = (content.parts[name].uri for name in sorted(content.parts))
    return ",\n".join(f"    '{_escaped(uri, dialect)}'" for uri in uris)


def _escaped(uri: str, dialect: Dialect) -> str:
    """What stands between the quotes of a literal."""
    if dialect == "bigquery":
        return uri.replace("\\", "\\\\").replace("'", "\\'")
    # DuckDB takes names for patterns.
    uri = "".join(f"[{each}]" if each in "*?[" else each for each in uri)
    return uri.replace("'", "''")


def _type(kind: pa.DataType, dialect: Dialect) -> str:
    names: Mapping[pa.DataType, str] = _DUCKDB if dialect == "duckdb" else _BIGQUERY
    if pa.types.is_list(kind):
        item = _type(kind.value_type, dialect)
        return f"{item}[]" if dialect == "duckdb" else f"ARRAY<{item}>"
    if pa.types.is_struct(kind):
        fields = [f"{field.name} {_type(field.type, dialect)}" for field in kind]
        if dialect == "duckdb":
            fields = [f'"{field.name}" {_type(field.type, dialect)}' for field in kind]
            return f"STRUCT({', '.join(fields)})"
        return f"STRUCT<{', '.join(fields)}>"
    return names[kind]
