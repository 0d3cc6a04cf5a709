"""Common Voice: tables in which ``path`` names a clip in the folder ``clips`` beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.errors import InputError
from beam_audio.inputs.listing import read_failure
from beam_audio.inputs.manifest_files import numbered_lines
from beam_audio.inputs.members import line_of
from beam_audio.types import Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.manifest_files import Line

COLUMNS: Final = frozenset({"client_id", "path", "sentence"})
"""The columns that every release has."""


def header_of(line: bytes) -> list[str]:
    """The names of columns."""
    return line.decode("utf-8-sig", "replace").split("\t")


def read_common_voice(table: StoredFile) -> Iterator[Line | Failure]:
    """The rows of a table as lines of a manifest. ``client_id`` is the ``speaker``.

    A quote is part of the text, and a row is one line.

    Raises:
        InputError: The table cannot be opened, or is no table of Common Voice.
    """
    lines = numbered_lines(table.path)
    names: list[str] = []
    for each in lines:
        if isinstance(each, Failure):
            yield each
        elif not names:
            names = header_of(each[1])
            if not set(names) >= COLUMNS:
                raise InputError(
                    f"{table.path!r} is no table of Common Voice: its header has not all of "
                    f"{', '.join(sorted(COLUMNS))}"
                )
        else:
            yield _line(table.path, names, *each)


def _line(table: str, names: list[str], number: int, content: bytes) -> Line | Failure:
    try:
        row = _row(names, content)
    except InputError as error:
        identity = stable_id("row", table, content.hex())
        return read_failure(identity, table, f"line {number}: {error}", None)
    if "client_id" in row:
        row["speaker"] = row.pop("client_id")
    return table, number, line_of(f"clips/{row.pop('path')}", row)


def _row(names: list[str], content: bytes) -> dict[str, str]:
    """The cells of a row that are not empty.

    Raises:
        InputError: It does not fit the header, or names no clip.
    """
    try:
        cells = content.decode().split("\t")
    except UnicodeError as error:
        raise InputError("not valid Unicode") from error
    if len(cells) != len(names):
        raise InputError(f"{len(cells)} cells where the header has {len(names)}")
    row = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    if "path" not in row:
        raise InputError("path is empty")
    return row
