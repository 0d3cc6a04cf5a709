"""WriteParquet: rows of your own pipelines into hive-partitioned Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam

from beam_audio.output.parts import PartWriter
from beam_audio.transforms.rows import dict_row
from beam_audio.types import Row, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.schema import Table

_ID_COLUMNS = {"segments": "segment_id", "recordings": "recording_id", "failures": "source_id"}


@beam.typehints.with_input_types(beam.typehints.Union[Row, beam.Row])
@beam.typehints.with_output_types(str)
class WriteParquet(beam.PTransform):
    """Writes rows of a table of :mod:`beam_audio.schema` and returns the file names.

    Rows are dictionaries, or rows of Beam such as :class:`ReadRows` and SQL give. Columns that the
    table does not have are left out, and those that a row lacks are null.

    A file is named by the ids of its rows, so that a repeated write replaces it. These files have
    no commit record, and ``beam-audio run`` deletes such files from its output: write them to
    another folder.

    Args:
        output: The output folder.
        table: ``segments``, ``recordings`` or ``failures``.
        partition_by: Keys of the row that name its folder; they are not stored in the file.
        shards: Number of files per partition.
    """

    def __init__(
        self,
        output: str,
        *,
        table: Table = "segments",
        partition_by: tuple[str, ...] = (),
        shards: int = 1,
    ) -> None:
        super().__init__()
        self._output = output
        self._table: Table = table
        self._partition_by = partition_by
        self._shards = shards

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[str]:
        """Wire grouping and writing."""
        return (
            rows
            | "Key" >> beam.Map(self._keyed).with_output_types(tuple[int, Row])
            | "Group" >> beam.GroupByKey()
            | "Write" >> beam.FlatMapTuple(self._write).with_output_types(str)
        )

    def _keyed(self, given: Any) -> tuple[int, Row]:  # noqa: ANN401 - see dict_row
        row = dict_row(given)
        return int(stable_id(row[_ID_COLUMNS[self._table]]), 16) % self._shards, row

    def _write(self, _shard: int, rows: Iterable[Row]) -> Iterator[str]:
        id_column = _ID_COLUMNS[self._table]
        ordered = sorted(rows, key=lambda row: str(row[id_column]))
        part_id = stable_id(*[row[id_column] for row in ordered])
        with PartWriter(self._output) as writer:
            for row in ordered:
                keys = tuple((key, row.get(key)) for key in self._partition_by)
                writer.write(self._table, keys, row)
            yield from writer.finish(part_id)
