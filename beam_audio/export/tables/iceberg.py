"""Iceberg tables: a catalog names metadata, which names the part files that count."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.export.tables.content import Change, CommittedMeanwhileError, address
from beam_audio.store.output_names import CATALOG, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from beam_audio.export.tables.content import Content

_OWNER: Final = "beam_audio.output"
_MAPPING: Final = "schema.name-mapping.default"
_PROPERTIES: Final = {
    # Metadata must not tell what rows say, or forgetting them would not be enough.
    "write.metadata.metrics.default": "counts",
    "write.metadata.delete-after-commit.enabled": "true",
    "commit.manifest-merge.enabled": "true",
    # A commit that lost must be planned again: as it is, it would add files twice.
    "commit.retry.num-retries": "0",
}


@dataclass(frozen=True, slots=True)
class IcebergTables:
    """The Iceberg tables of an output.

    Attributes:
        root: The output folder.
        namespace: What the tables are named below.
        catalog: A catalog of pyiceberg's configuration; empty for one inside the output.
    """

    root: str
    namespace: str
    catalog: str

    def __post_init__(self) -> None:
        """Check that the library is there, and a catalog can be.

        Raises:
            ConfigError: One is not.
        """
        try:
            import pyiceberg.catalog.sql  # noqa: F401 - whether it is there
        except ImportError as error:
            raise ConfigError(
                "--format=iceberg needs pyiceberg: pip install 'beam_audio[iceberg]'"
            ) from error
        if store.scheme(self.root) and not self.catalog:
            raise ConfigError(
                f"{self.root} is a bucket, which cannot hold a catalog; name one of pyiceberg's "
                "configuration with --catalog"
            )

    def replace(self, read: Callable[[], Sequence[Content]]) -> list[Change]:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        from pyiceberg.exceptions import (
            CommitFailedException,
            TableAlreadyExistsError,
        )
        from sqlalchemy.exc import IntegrityError, OperationalError

        lost = (CommitFailedException, TableAlreadyExistsError, IntegrityError, OperationalError)
        try:
            with closing(self._opened()) as catalog:
                present = {table.name()[-1]: table for table in self._tables(catalog)}
                contents = read()
                missing = [each for each in contents if each.table not in present]
                for each in missing:
                    self._create(catalog, each)
                if not missing:
                    return [_replace(present[each.table], each) for each in contents]
            return self.replace(read)
        except lost as error:
            raise CommittedMeanwhileError(
                f"another program writes to the Iceberg tables of {self.root!r} ({error})"
            ) from error

    def kept_names(self, before_seconds: float) -> set[str]:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        start = len(address(self.root)) + 1
        with closing(self._opened()) as catalog:
            return {
                file.file_path[start:]
                for table in self._tables(catalog)
                for snapshot in _kept(table, before_seconds)
                for file in _files(table, snapshot)
            }

    def expire_history(self, before_seconds: float) -> None:
        """As in :class:`beam_audio.export.tables.content.Tables`."""
        with closing(self._opened()) as catalog:
            for table in self._tables(catalog):
                kept = {each.snapshot_id for each in _kept(table, before_seconds)}
                past = [each for each in table.snapshots() if each.snapshot_id not in kept]
                if past:
                    before = _metadata_files(table, table.snapshots())
                    ids = [each.snapshot_id for each in past]
                    table.maintenance.expire_snapshots().by_ids(ids).commit()
                    table.refresh()
                    for path in before - _metadata_files(table, table.snapshots()):
                        table.io.delete(path)

    def _opened(self) -> Catalog:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.catalog.sql import SqlCatalog

        if self.catalog:
            try:
                return load_catalog(self.catalog)
            except ValueError as error:
                raise ConfigError(f"--catalog={self.catalog}: {error}") from error
        return SqlCatalog("beam_audio", **self.catalog_properties())

    def catalog_properties(self) -> dict[str, str]:
        """Properties by which any program opens the catalog inside the output."""
        folder = Path(address(self.root), CATALOG)
        folder.mkdir(parents=True, exist_ok=True)
        return {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": str(folder)}

    def _tables(self, catalog: Catalog) -> Iterator[Table]:
        """The tables there are.

        Raises:
            ConfigError: They are another output's.
        """
        for name in TABLES:
            if catalog.table_exists((self.namespace, name)):
                table = catalog.load_table((self.namespace, name))
                if table.properties.get(_OWNER) != address(self.root):
                    raise ConfigError(
                        f"{self.namespace}.{name} holds rows of {table.properties.get(_OWNER)}; "
                        "give another --namespace"
                    )
                yield table

    def _create(self, catalog: Catalog, content: Content) -> None:
        full = {f"write.metadata.metrics.column.{name}": "full" for name in content.partition_by}
        catalog.create_namespace_if_not_exists(self.namespace)
        with (
            catalog.create_table_transaction(
                (self.namespace, content.table),
                schema=content.columns,
                properties={**_PROPERTIES, **full, _OWNER: address(self.root)},
            ) as creation,
            creation.update_spec() as partitions,
        ):
            for name in content.partition_by:
                partitions.add_identity(name)


def _replace(table: Table, content: Content) -> Change:
    """Add and remove part files in one commit on top of this version of the table."""
    present = {file.file_path: file for file in _files(table, table.current_snapshot())}
    wanted = {part.uri for part in content.parts.values()}
    added, removed = sorted(wanted - present.keys()), sorted(present.keys() - wanted)
    if added or removed:
        _commit(table, content, added, [present[path] for path in removed])
    return Change(content.table, len(added), len(removed), len(wanted))


def _commit(table: Table, content: Content, added: list[str], removed: list[DataFile]) -> None:
    """Change columns and part files of a table in one commit."""
    from pyiceberg.io.pyarrow import parquet_file_to_data_file

    with table.transaction() as change:
        with change.update_schema() as columns:
            columns.union_by_name(content.columns)
        # Part files have names of columns and no numbers.
        mapping = change.table_metadata.schema().name_mapping.model_dump_json()
        if change.table_metadata.properties.get(_MAPPING) != mapping:
            change.set_properties({_MAPPING: mapping})
        read = partial(parquet_file_to_data_file, table.io, change.table_metadata)
        update = change.update_snapshot()
        with update.overwrite() if removed else update.merge_append() as snapshot:
            for file in store.read_each(read, added):
                snapshot.append_data_file(file)
            for file in removed:
                snapshot.delete_data_file(file)


def _files(table: Table, snapshot: Snapshot | None) -> Iterator[DataFile]:
    """The part files of a version of a table."""
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        for entry in manifest.fetch_manifest_entry(table.io):
            yield entry.data_file


def _kept(table: Table, before_seconds: float) -> list[Snapshot]:
    """Versions since a time, and the one that was present then."""
    versions = sorted(table.snapshots(), key=lambda each: each.sequence_number)
    past = sum(each.timestamp_ms < before_seconds * 1000 for each in versions)
    return versions[max(past - 1, 0) :]


def _metadata_files(table: Table, snapshots: Iterable[Snapshot]) -> set[str]:
    """The files that say what is in versions of a table."""
    return {
        path
        for snapshot in snapshots
        for path in (
            snapshot.manifest_list,
            *(each.manifest_path for each in snapshot.manifests(table.io)),
        )
    }
