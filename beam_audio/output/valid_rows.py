"""Rows of an output that count, a few thousand in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.output.parts import opened_part
from beam_audio.schema import ADDED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from beam_audio.output.counted import Counted
    from beam_audio.types import Row

_ROWS: Final = 4096


def valid_rows(root: str, counted: Counted, table: str, columns: list[str]) -> Iterator[Row]:
    """Valid rows of a table in these files, one part file in memory at a time.

    Raises:
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """

    def read(uri: str) -> pa.Table:
        with opened_part(uri) as file:
            missing = ADDED_COLUMNS.difference(file.schema_arrow.names)
            held = [each for each in columns if each not in missing]
            return file.read(columns=held).select(held)

    names = counted.files_of(table)
    uris = [store.join(root, name) for name in names]
    for name, found in zip(names, store.read_each(read, uris), strict=True):
        sources = counted.sources(name)
        for batch in found.to_batches(_ROWS):
            rows: list[Row] = batch.to_pylist()
            yield from (row for row in rows if sources is None or row["source_id"] in sources)
