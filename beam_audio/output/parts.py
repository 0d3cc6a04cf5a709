"""Part files: rows in Parquet files below hive folders, written in bounded memory, read back."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_audio import schema, store
from beam_audio.errors import BeamAudioError, StoreError, of_machine
from beam_audio.store.output_names import COMMITS, TABLES, part_file
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import BinaryIO

    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table
    from beam_audio.types import Row

_FLUSH_ROWS = 4_096
_BATCH_ROWS = 256
"""Rows that wait as dictionaries, each some 10 kB with its words: columns take a fifth of that."""
_FLUSH_AUDIO_BYTES = 16 << 20
_MAX_VALUE_BYTES = 180
_READ_ROWS = 256
"""Rows with audio that are read at a time; each may carry half a minute."""
_INDEXES: Final = 4
"""Files of which it is remembered what their row groups hold."""

_OUTSIDE_CONTENT: Final = frozenset({"when", schema.AUDIO})
_PLAIN: Final[Mapping[str, str]] = {}
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_folder(table: Table, keys: tuple[tuple[str, str | None], ...]) -> str:
    """Hive folder of a table, ``segments/date=2026-11-21/language=en``, values percent-encoded.

    A value too long for a folder name is cut and ends with its hash; the row's metadata holds the
    whole value.
    """
    return "/".join([table, *(f"{key}={_folder_value(value)}" for key, value in keys)])


def folder_keys(name: str) -> dict[str, str | None]:
    """Keys and values in a part file's folder name, as readers of hive folders see them."""
    pairs = (folder.partition("=") for folder in name.split("/")[1:-1])
    return {key: None if value == _HIVE_NULL else unquote(value) for key, _, value in pairs}


def _folder_value(value: str | None) -> str:
    if not value:
        return _HIVE_NULL
    encoded = quote(value, safe="")
    if len(encoded) <= _MAX_VALUE_BYTES:
        return encoded
    kept = quote(
        value[: _MAX_VALUE_BYTES // 18], safe=""
    )  # a character encodes to 12 bytes at most
    return f"{kept}~{stable_id(value)}"


class PartWriter:
    """Writes the part files of one unit: one for each table and partition.

    Files grow under temporary names; :meth:`finish` renames them all. Leaving the context without
    finishing deletes them.
    """

    def __init__(self, root: str, layout: Mapping[str, str] = _PLAIN) -> None:
        """Write below ``root``.

        ``layout`` is that of the output's commit records; it says which columns are added.
        """
        self._root = root
        self._layout = layout
        self._files: dict[str, _PartFile] = {}
        self.rows: dict[str, int] = dict.fromkeys(TABLES, 0)
        self._content = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.discard()

    def write(self, table: Table, keys: tuple[tuple[str, str | None], ...], row: Row) -> None:
        """Add a row to the part file of its table and partition.

        Columns that are partition keys are in the folder name, not in the file.

        Raises:
            MachineError: The file cannot be written.
        """
        with self._writing():
            self._file(table, partition_folder(table, keys)).add(row)
        self.rows[table] += 1
        content = [value for name, value in sorted(row.items()) if name not in _OUTSIDE_CONTENT]
        text = repr((table, keys, content)).encode(errors="surrogatepass")
        # A sum, because recordings end in another order when several threads decode them.
        self._content += int.from_bytes(hashlib.sha256(text).digest())

    @property
    def content_id(self) -> str:
        """Hash of the rows that were added, in any order, without their times of writing."""
        return stable_id("rows", self._content)

    def copy(self, table: Table, folder: str, batch: pa.RecordBatch) -> None:
        """Add rows of an earlier part file of this folder; columns missing there become null."""
        if batch.num_rows:
            with self._writing():
                self._file(table, folder).copy(batch)
            self.rows[table] += batch.num_rows

    def _writing(self) -> AbstractContextManager[None]:
        return of_machine(
            f"the output {self._root!r} cannot be written",
            "free some space there, or see that it can be written, or choose another --output",
        )

    def _file(self, table: Table, folder: str) -> _PartFile:
        if folder not in self._files:
            columns = columns_of(table, folder, self._layout)
            self._files[folder] = _PartFile(store.temporary_name(self._root), columns)
        return self._files[folder]

    def finish(self, part_id: str) -> tuple[str, ...]:
        """Finish every file and name it ``part-<part_id>.parquet``.

        Returns:
            The names relative to the output folder, sorted.
        """
        with self._writing():
            for file in self._files.values():
                file.finish()
        name = part_file(part_id)
        names = {file.path: f"{folder}/{name}" for folder, file in sorted(self._files.items())}
        if names:
            store.move_into(self._root, names)
        self._files.clear()
        return tuple(names.values())


class _PartFile:
    """A growing Parquet file: rows are flushed as row groups before memory fills up."""

    def __init__(self, path: str, columns: pa.Schema) -> None:
        self.path = path
        self._columns = columns
        self._rows: list[Row] = []
        self._batches: list[pa.RecordBatch] = []
        self._batched_rows = 0
        self._audio_bytes = 0
        self._sink: BinaryIO = store.open_to_write(path)
        self._writer = pq.ParquetWriter(
            self._sink, columns, compression="zstd", write_page_checksum=True
        )

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self._audio_bytes += len((row.get(schema.AUDIO) or {}).get("bytes") or b"")
        if len(self._rows) >= _BATCH_ROWS:
            self._end_batch()
        self._flush_if_large()

    def copy(self, batch: pa.RecordBatch) -> None:
        self._end_batch()
        self._batches.append(in_columns(batch, self._columns))
        self._batched_rows += batch.num_rows
        self._audio_bytes += batch.nbytes if schema.AUDIO in batch.schema.names else 0
        self._flush_if_large()

    def _end_batch(self) -> None:
        """Keep the rows as columns."""
        if self._rows:
            self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=self._columns))
            self._batched_rows += len(self._rows)
            self._rows = []

    def _flush_if_large(self) -> None:
        if self._batched_rows >= _FLUSH_ROWS or self._audio_bytes >= _FLUSH_AUDIO_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write the rows in memory as one row group."""
        self._end_batch()
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._columns))
        self._batches = []
        self._batched_rows = 0
        self._audio_bytes = 0
        # Arrow keeps the pages of what it freed, which are many after columns of texts.
        pa.default_memory_pool().release_unused()

    def finish(self) -> None:
        self._flush()
        self._writer.close()
        self._sink.close()

    def discard(self) -> None:
        """Delete the file; whatever made it useless is told already, and may hinder this, too."""
        self._writer.is_open = False  # closing it would write its footer
        with suppress(OSError, BeamAudioError):
            self._sink.close()
        with suppress(BeamAudioError):
            store.delete(self.path)


def columns_of(table: Table, folder: str, layout: Mapping[str, str]) -> pa.Schema:
    """Columns of the part files in a folder, in an output of this layout."""
    return schema.file_schema(
        table,
        without=tuple(key.partition("=")[0] for key in folder.split("/")[1:]),
        metadata_columns=tuple(filter(None, layout.get("metadata_columns", "").split(","))),
        audio=layout.get("store_audio", "none") != "none",
    )


def in_columns(batch: pa.RecordBatch, columns: pa.Schema) -> pa.RecordBatch:
    """Rows of an earlier file in these columns; those it lacks are null, others are left out."""
    places = {name: place for place, name in enumerate(batch.schema.names)}
    values = [
        _of_type(batch.column(places[field.name]), field.type)
        if field.name in places
        else pa.nulls(batch.num_rows, field.type)
        for field in columns
    ]
    return pa.RecordBatch.from_arrays(values, schema=columns)


def _of_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values if values.type == kind else values.cast(kind)


def carry(root: str, commit: Commit, writer: PartWriter, replaced: Container[str]) -> None:
    """Copy the rows of a unit to its next version, except those of replaced inputs."""
    kept = {source_id for source_id in commit.sources if source_id not in replaced}
    for table in TABLES:
        for name in commit.files_of(table):
            for batch in rows_of(root, name, kept):
                writer.copy(table, name.rpartition("/")[0], batch)


@contextmanager
def opened_part(uri: str) -> Iterator[pq.ParquetFile]:
    """A part file, for reading inside the block.

    Raises:
        InputError: It is missing.
        StoreError: It is damaged.
    """
    with store.open_to_read(uri) as file:
        try:
            yield pq.ParquetFile(file, page_checksum_verification=True)
        except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            raise StoreError(
                f"part file {uri!r} cannot be read ({error}); delete the record that names it in "
                f"{COMMITS}/, and the unit will be processed again"
            ) from error


def rows_of(
    root: str, name: str, source_ids: Container[str] | None, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of a part file that come from these inputs; row groups without any are skipped.

    Batches are small where rows have audio, and whole row groups at most elsewhere.

    Args:
        root: The output folder.
        name: The file, relative to it.
        source_ids: The inputs; None for all.
        columns: The columns to read beside ``source_id``; all by default. Partition keys are not in
            the file.
    """
    wanted = None if columns is None else ["source_id", *columns]
    with opened_part(store.join(root, name)) as file:
        groups = list(range(file.num_row_groups))
        if source_ids is not None and len(groups) > 1:
            held = _sources_by_group(file.metadata.num_rows, store.join(root, name))
            groups = [group for group in groups if any(map(source_ids.__contains__, held[group]))]
        has_audio = schema.AUDIO in (wanted or file.schema_arrow.names)
        rows = 0
        # Older pyarrow fails on an empty list of row groups.
        for batch in (
            file.iter_batches(_READ_ROWS if has_audio else _FLUSH_ROWS, groups, wanted)
            if groups
            else ()
        ):
            rows += batch.num_rows
            kept = None if source_ids is None else _mask(batch, source_ids)
            yield batch if kept is None or pc.all(kept).as_py() else batch.filter(kept)
        _require_rows(rows, sum(_stated_rows(file, group) for group in groups))


@lru_cache(maxsize=_INDEXES)
def _sources_by_group(rows: int, uri: str) -> tuple[frozenset[str], ...]:
    """The inputs in each row group of a file of so many rows.

    They are remembered: of a merged file, each of many units reads its own rows.
    """
    with opened_part(uri) as file:
        groups = [
            file.read_row_group(group, columns=["source_id"]).column(0)
            for group in range(file.num_row_groups)
        ]
        _require_rows(sum(map(len, groups)), rows)
        return tuple(frozenset(group.unique().to_pylist()) for group in groups)


def _stated_rows(file: pq.ParquetFile, group: int) -> int:
    rows: int = file.metadata.row_group(group).num_rows
    return rows


def _require_rows(found: int, stated: int) -> None:
    """Older pyarrow passes over pages whose headers are damaged."""
    if found != stated:
        raise pa.ArrowInvalid(f"{found} of {stated} rows can be read")


def _mask(rows: pa.RecordBatch | pa.Table, source_ids: Container[str]) -> pa.Array:
    """Which rows come from these inputs; each input is asked for once."""
    names = rows.column("source_id").unique()
    known = [name in source_ids for name in names.to_pylist()]
    return pc.is_in(rows.column("source_id"), value_set=names.filter(pa.array(known, pa.bool_())))
