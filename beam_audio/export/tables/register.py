"""Registers the rows of an output with table formats, and keeps the tables as the rows are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from beam_audio.export.tables.content import CommittedMeanwhileError, read_content
from beam_audio.export.tables.delta import DeltaTables
from beam_audio.export.tables.iceberg import IcebergTables
from beam_audio.export.tables.sql import SqlFile
from beam_audio.output.registrations import note_registration, read_registrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.export.tables.content import Change, Tables
    from beam_audio.output.registration import Registration

_TRIES: Final = 10


def register(root: str, registration: Registration) -> list[Change]:
    """Make tables of an output, or bring them up to date.

    From then on part files stay when rows are replaced, until ``expire`` deletes them.

    Args:
        root: The output folder.
        registration: What tables.

    Returns:
        What changed, by table; nothing if the output has no rows yet.

    Raises:
        ConfigError: The library is missing, or the format cannot hold this output.
        HeldError: A living batch holds the output, and some files hold rows that do not count.
        StoreError: A table cannot be written.
    """
    tables = tables_of(root, registration)
    note_registration(root, registration)
    return _replace(root, tables)


def update(root: str) -> dict[str, list[Change]]:
    """Bring all tables of an output up to date; what changed, by format.

    Raises:
        ConfigError: A library is missing.
        HeldError: A living batch holds the output, and some files hold rows that do not count.
        StoreError: A table cannot be written.
    """
    return {each.format: _replace(root, tables_of(root, each)) for each in read_registrations(root)}


def release(root: str) -> None:
    """Let the tables and their history name no part file but those that count.

    Raises:
        StoreError: A table cannot be written.
    """
    update(root)
    for tables in registered(root):
        tables.expire_history(float("inf"))


def registered(root: str) -> list[Tables]:
    """The tables of an output.

    Raises:
        ConfigError: A library is missing.
    """
    return [tables_of(root, each) for each in read_registrations(root)]


def kept_names(found: Sequence[Tables], before_seconds: float) -> frozenset[str]:
    """Part files that tables name, now or in the history since a time; relative to the output."""
    return frozenset[str]().union(*(each.kept_names(before_seconds) for each in found))


def tables_of(root: str, registration: Registration) -> Tables:
    """The tables of a registration.

    Raises:
        ConfigError: The library is missing, or the format cannot hold this output.
    """
    match registration.format:
        case "iceberg":
            return IcebergTables(root, registration.namespace, registration.catalog)
        case "delta":
            return DeltaTables(root)
        case dialect:
            return SqlFile(root, dialect, registration.namespace)


def _replace(root: str, tables: Tables) -> list[Change]:
    """Let tables hold what counts now; planned again whenever another registration was faster."""
    read = partial(read_content, root)
    for _ in range(_TRIES - 1):
        try:
            return tables.replace(read)
        except CommittedMeanwhileError:
            continue
    return tables.replace(read)
