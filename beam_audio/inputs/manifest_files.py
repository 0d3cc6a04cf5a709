"""Manifest files: the lines of JSONL, the rows of CSV and TSV, plain or compressed by gzip.

A row of a table is read as a line of JSON with the same fields. A manifest of another form is
refused once, and not line by line.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import deque
from typing import TYPE_CHECKING, Final, Literal

from beam_audio import store
from beam_audio.errors import InputError, raise_machine_error
from beam_audio.inputs.manifest import MAX_LINE_BYTES, PATH_KEYS, load_object
from beam_audio.inputs.redaction import redacted
from beam_audio.types import Failure, stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Line = tuple[str, int, bytes]
"""Manifest, line number from 1, and the line's bytes."""

MANIFEST_FORMS: Final = (
    'one JSON object per line, such as {"audio_filepath": "a.flac", "text": "…"}, or CSV or TSV '
    f"whose first line names the columns, such as audio_filepath,text; {', '.join(PATH_KEYS[:-1])} "
    f"or {PATH_KEYS[-1]} names the file"
)
"""What a manifest holds, for those who wrote something else."""

_DELIMITERS: Final = "\t,;|"
_ENCODINGS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"{\x00": "utf-16-le",
    b"\x00{": "utf-16-be",
}
"""Encodings other than UTF-8 by their first bytes; the longest first."""
_PEEK_BYTES: Final = 4
_MAX_UNUSABLE_LINES: Final = 1000
_MAX_LINES_OF_ROW: Final = 100
_MAX_UNUSABLE_BYTES: Final = 4 << 20

_Numbered = tuple[int, bytes]


def lines_of(uri: str) -> Iterator[Line | Failure]:
    """Lines of a manifest; blank ones are skipped.

    A line longer than the limit is cut one byte above it, so that parsing it fails.

    Yields:
        Lines, and a failure for a row that does not fit its table. The last item is a failure if
        the file cannot be read to its end. A manifest of another form gives one failure only.

    Raises:
        InputError: The file cannot be opened.
        MachineError: The machine is at fault, or the store does not answer.
    """
    for item in _read(uri, _items):
        yield item if isinstance(item, Failure) else (uri, *item)


def numbered_lines(uri: str) -> Iterator[tuple[int, bytes] | Failure]:
    """Lines of a text file that is no manifest, each with its number; as :func:`lines_of`."""
    return _read(uri, lambda lines: lines)


def _read(
    uri: str, items: Callable[[Iterator[_Numbered]], Iterator[_Numbered | InputError]]
) -> Iterator[_Numbered | Failure]:
    with store.open_to_read(uri) as file:
        try:
            for item in items(_raw_lines(store.unpacked(file))):
                yield _failure(uri, str(item)) if isinstance(item, InputError) else item
        except (OSError, UnicodeError, *store.GZIP_DAMAGE) as error:
            raise_machine_error(error, f"cannot read {uri!r}")
            yield _failure(uri, f"cannot be read to its end: {error}")


def refusal(uri: str) -> str | None:
    """Why a manifest gives no line at all; None if it gives one or is empty.

    Raises:
        InputError: The file cannot be opened.
    """
    first = next(lines_of(uri), None)
    return first.message if isinstance(first, Failure) else None


def _failure(uri: str, message: str) -> Failure:
    return Failure(
        unit="input",
        stage="read",
        source_id=stable_id("manifest", uri, message),
        uri=redacted(uri),
        error_type=InputError.__name__,
        message=redacted(message),
    )


def _raw_lines(file: io.BufferedIOBase) -> Iterator[_Numbered]:
    """Lines in UTF-8, with their number and without their ends."""
    head = file.peek(_PEEK_BYTES)  # type: ignore[attr-defined] # both kinds of readers have it
    encoding = next((name for mark, name in _ENCODINGS.items() if head.startswith(mark)), None)
    if encoding is None:
        read = file.readline
    else:
        text = io.TextIOWrapper(file, encoding, newline="\n")  # type: ignore[type-var] # as above

        def read(limit: int | None = -1, /) -> bytes:
            return text.readline(-1 if limit is None else limit).encode("utf-8")

    number = 0
    while line := read(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = read(MAX_LINE_BYTES)
        if line.strip():
            yield number, line.rstrip(b"\r\n")


def _items(lines: Iterator[_Numbered]) -> Iterator[_Numbered | InputError]:
    """Lines of JSON, from a manifest of any form."""
    first = next(lines, None)
    if first is None:
        return
    delimiter = next((each for each in _DELIMITERS if _names_a_path(first[1], each)), None)
    if delimiter is None:
        yield from _json_lines(first, lines)
    else:
        yield from _table_rows(_cells(_decoded(first[1]), delimiter), lines, delimiter)


def _json_lines(first: _Numbered, lines: Iterator[_Numbered]) -> Iterator[_Numbered | InputError]:
    """Lines of JSON; one error if none of the first ones names a file."""
    unusable: list[_Numbered] = []
    size_bytes = 0
    line: _Numbered | None = first
    while line is not None and not _is_usable(line[1]):
        unusable.append(line)
        size_bytes += len(line[1])
        if len(unusable) == _MAX_UNUSABLE_LINES or size_bytes > _MAX_UNUSABLE_BYTES:
            break
        line = next(lines, None)
    else:
        if line is not None:
            yield from unusable
            yield line
            yield from lines
            return
    yield InputError(f"not a manifest: {_why_unusable(first)}; a manifest holds {MANIFEST_FORMS}")


def _is_usable(line: bytes) -> bool:
    try:
        return not load_object(line).keys().isdisjoint(PATH_KEYS)
    except InputError:
        return False


def _why_unusable(line: _Numbered) -> str:
    number, content = line
    try:
        keys = ", ".join(load_object(content)) or "no key"
    except InputError as error:
        return f"line {number} is {error!s:.200}"
    return f"line {number} has {keys:.200}, and {PATH_KEYS[0]} is missing"


def _table_rows(
    header: list[str], lines: Iterator[_Numbered], delimiter: str
) -> Iterator[_Numbered | InputError]:
    """Rows of a table as lines of JSON without the empty cells."""
    names = [name.strip() for name in header]
    repeated = {name for name in names if name and names.count(name) > 1}
    if repeated:
        yield InputError(f"not a manifest: the header names {min(repeated)!r:.80} twice")
        return
    for number, row in _rows(lines, delimiter):
        if isinstance(row, InputError):
            yield InputError(f"line {number}: {row}")
        elif len(row) != len(names) and any(row[len(names) :] or ["short"]):
            yield InputError(
                f"line {number}: {len(row)} cells where the header has {len(names)}; cells that "
                "hold a delimiter or a line end need quotes"
            )
        else:
            fields = {name: cell for name, cell in zip(names, row, strict=False) if name and cell}
            yield number, json.dumps(fields, ensure_ascii=False).encode("utf-8")


def _rows(
    lines: Iterator[_Numbered], delimiter: str
) -> Iterator[tuple[int, list[str] | InputError]]:
    """The cells of each row. In CSV, a cell in quotes may go over several lines."""
    ahead: deque[_Numbered] = deque()
    while line := ahead.popleft() if ahead else next(lines, None):
        is_open = delimiter != "\t" and line[1].count(b'"') % 2 == 1
        taken = _until_quote(ahead, lines) if is_open else []
        if taken and (cells := _joined([line, *taken], delimiter)):
            yield line[0], cells
            continue
        ahead.extendleft(reversed(taken))  # the quote opens no cell: these are rows of their own
        try:
            yield line[0], _cells(_decoded(line[1]), delimiter)
        except (InputError, csv.Error) as error:
            yield line[0], InputError(str(error))


def _until_quote(ahead: deque[_Numbered], lines: Iterator[_Numbered]) -> list[_Numbered]:
    """The next lines up to one that can end a cell in quotes, or as many as a row may have."""
    taken: list[_Numbered] = []
    size_bytes = 0
    while size_bytes <= MAX_LINE_BYTES and len(taken) < _MAX_LINES_OF_ROW:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            break
        taken.append(line)
        size_bytes += len(line[1])
        if line[1].count(b'"') % 2:
            break
    return taken


def _joined(lines: list[_Numbered], delimiter: str) -> list[str]:
    """The cells of a row of several lines; none if they are not one."""
    try:
        record = _decoded(b"\n".join(line for _, line in lines))
        return _cells(record, delimiter, strict=True)
    except (InputError, csv.Error):
        return []


def _decoded(record: bytes) -> str:
    if len(record) > MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES} bytes")
    try:
        return record.decode("utf-8-sig")
    except UnicodeError as error:
        raise InputError(f"not valid Unicode: {type(error).__name__}") from error


def _cells(record: str, delimiter: str, *, strict: bool = False) -> list[str]:
    # In TSV a quote is often part of the text: one without an end begins no cell in quotes.
    is_literal = delimiter == "\t" and record.count('"') % 2
    quoting: Literal[0, 3] = csv.QUOTE_NONE if is_literal else csv.QUOTE_MINIMAL
    reader = csv.reader([record], delimiter=delimiter, quoting=quoting, strict=strict)
    return next(reader, [])


def _names_a_path(line: bytes, delimiter: str) -> bool:
    """Whether a line is the header of a table with a column for the file."""
    try:
        names = [name.strip() for name in _cells(_decoded(line), delimiter)]
    except (InputError, csv.Error):
        return False
    return not set(PATH_KEYS).isdisjoint(names)
