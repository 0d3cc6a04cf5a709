"""What files of an output tell of some recordings: found byte by byte, and erased."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from beam_audio import schema, store
from beam_audio.output.parts import opened_part
from beam_audio.store.output_names import (
    CATALOG,
    COMMITS,
    FORGOTTEN,
    LOCK,
    REGISTRATIONS,
    SEARCH,
    TABLES,
    TEMPORARY,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.types import StoredFile

_HEXADECIMAL: Final = re.compile(rb"[0-9a-f]{32,64}")
_ERASED: Final = "forgotten"
_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Needles:
    """What tells of recordings.

    Attributes:
        tokens: Hexadecimal ids and hashes.
        strings: Addresses and texts.
    """

    tokens: frozenset[str]
    strings: frozenset[str]

    def are_in(self, content: bytes) -> bool:
        """Whether bytes hold any of them, as UTF-8 or as JSON writes it."""
        if any(found.decode("ascii") in self.tokens for found in _HEXADECIMAL.findall(content)):
            return True
        return any(
            text.encode("utf-8", "backslashreplace") in content
            or json.dumps(text)[1:-1].encode("ascii") in content
            for text in self.strings
        )

    def are_in_value(self, value: str) -> bool:
        """Whether a value of JSON holds any of them."""
        return value in self.tokens or self.are_in(value.encode("utf-8", "surrogatepass"))


Done = Literal["deleted", "erased"]


def erase_traces(root: str, needles: Needles, payloads: frozenset[str]) -> dict[str, Done]:
    """Erase what the files beside rows and records tell; returns what became of each file.

    Parquet files lose the rows, JSON files the strings, and every other file is deleted: a report
    is made again from what is left.

    Args:
        root: The output folder.
        needles: What is searched.
        payloads: Addresses of files that are deleted whatever they hold.

    Raises:
        StoreError: A file cannot be read or written.
    """
    start, done = len(root.rstrip("/")) + 1, dict[str, Done]()
    for file in _beside_rows(root):
        name = file.path[start:]
        if file.path in payloads or needles.are_in(name.encode("utf-8", "surrogateescape")):
            store.delete(file.path)
            done[name] = "deleted"
        elif name.endswith(".parquet"):
            if _erase_rows(root, name, needles):
                done[name] = "erased"
        elif needles.are_in(content := _bytes_of(file.path)):
            done[name] = _erase(root, name, content, needles)
    return done


def remaining_traces(root: str, needles: Needles) -> tuple[list[str], int, int]:
    """Files that still tell of the recordings; how many were searched, and their bytes.

    Parquet files are searched as they are read: decompressed, column by column. In rows a text
    counts only where an id or an address tells whose it is, as others may have said the same.
    """
    start, found, files, size_bytes = len(root.rstrip("/")) + 1, [], 0, 0
    for file in store.files_under(root):
        name = file.path[start:]
        if name.startswith(f"{TEMPORARY}/") or name.endswith(LOCK):
            continue
        files, size_bytes = files + 1, size_bytes + file.size_in_bytes
        if name.endswith(".parquet"):
            with opened_part(file.path) as part:
                held = any(mask.true_count for _, mask in _masked(part, needles))
        else:
            held = needles.are_in(_bytes_of(file.path))
        if held or needles.are_in(name.encode("utf-8", "surrogateescape")):
            found.append(name)
    return found, files, size_bytes


def _beside_rows(root: str) -> Iterator[StoredFile]:
    """Files other than rows, records, catalogs, tombstones and the index."""
    start = len(root.rstrip("/")) + 1
    left = {*TABLES, CATALOG, COMMITS, FORGOTTEN, REGISTRATIONS, SEARCH, TEMPORARY}
    for file in store.files_under(root):
        name = file.path[start:]
        if name.partition("/")[0] not in left and not name.endswith(LOCK):
            yield file


def _bytes_of(uri: str) -> bytes:
    with store.open_to_read(uri) as file:
        return file.read()


def _erase(root: str, name: str, content: bytes, needles: Needles) -> Done:
    if name.endswith(".json"):
        try:
            left = _without(json.loads(content), needles)
        except ValueError:
            pass
        else:
            store.write_whole(root, name, json.dumps(left, indent=1, sort_keys=True).encode())
            return "erased"
    store.delete(store.join(root, name))
    return "deleted"


def _without(value: Any, needles: Needles) -> Any:  # noqa: ANN401 - JSON
    """A value of JSON whose strings tell of none of the recordings; keys that do are left out."""
    if isinstance(value, str):
        return _ERASED if needles.are_in_value(value) else value
    if isinstance(value, list):
        return [_without(each, needles) for each in value]
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not needles.are_in_value(key)}
        return {key: _without(each, needles) for key, each in kept.items()}
    return value


def _erase_rows(root: str, name: str, needles: Needles) -> bool:
    """Leave out the rows of a Parquet file that tell of the recordings; whether there were any."""
    with opened_part(store.join(root, name)) as part:
        masked = list(_masked(part, needles))
        if not any(mask.true_count for _, mask in masked):
            return False
        sink = io.BytesIO()
        with pq.ParquetWriter(sink, part.schema_arrow, compression="zstd") as writer:
            whole = part.iter_batches(_ROWS)
            for rows, (_, mask) in zip(whole, masked, strict=True):
                writer.write_batch(pc.filter(rows, pc.invert(mask)))
    store.write_whole(root, name, sink.getvalue())
    return True


def _masked(
    part: pq.ParquetFile, needles: Needles
) -> Iterator[tuple[pa.RecordBatch, pa.BooleanArray]]:
    """The columns of text in a Parquet file, and which rows tell of the recordings."""
    plain = {pa.string(), pa.large_string()}
    names = [each.name for each in part.schema_arrow if each.type in plain]
    # Everybody may have said the same; whose text it is, other columns tell.
    told = [name for name in names if name not in _TEXTS]
    values = pa.array(sorted(needles.tokens | needles.strings), pa.string())
    for rows in part.iter_batches(_ROWS, columns=told):
        mask = pa.array([False] * rows.num_rows, pa.bool_())
        for column in rows.columns:
            mask = pc.or_(mask, pc.is_in(column.cast(pa.string()), values))
        yield rows, mask


_TEXTS: Final = frozenset(
    {"text", "text_all", "reference_text", "label_text", "text_redacted", schema.AUDIO}
)
