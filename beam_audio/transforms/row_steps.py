"""The graph of a run as steps from rows to rows, for Beam YAML: elements have a type by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import apache_beam as beam

from beam_audio.schema import Table
from beam_audio.transforms.input_rows import INPUT_TYPE, input_of, input_row
from beam_audio.transforms.read import ReadAudio
from beam_audio.transforms.read_rows import ReadRows
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.transforms.units import TranscribeUnits


class ReadInputRows(beam.PTransform):
    """Lists inputs as rows; an input that cannot be listed is a row, too, with its ``failure``.

    The arguments are those of :class:`ReadAudio`.
    """

    def __init__(
        self,
        *,
        input: str | None = None,  # noqa: A002 - the flag's name
        manifest: str | None = None,
        exclude: str | None = None,
        limit: int | None = None,
        input_format: str | None = None,
    ) -> None:
        super().__init__("ReadAudio")
        self._read = ReadAudio(
            input=input,
            manifest=manifest,
            exclude=exclude,
            limit=limit,
            input_format=input_format,
        )

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[beam.Row]:
        """Wire the listing; what it gives is one collection, so that no chain forgets failures."""
        refs, failures = begin | "List" >> self._read
        inputs = (refs, failures) | "All" >> beam.Flatten()
        return inputs | "Row" >> beam.Map(input_row).with_output_types(INPUT_TYPE)


class TranscribeRows(beam.PTransform):
    """Transcribes rows of inputs, and gives the rows that are committed: a collection each table.

    Args:
        make: Makes the transform for the options of the pipeline.
        output: The output folder.
        metadata_columns: Keys of ``metadata`` that are columns of the output, too.
    """

    def __init__(
        self,
        make: Callable[[PipelineOptions], TranscribeUnits],
        *,
        output: str,
        metadata_columns: tuple[str, ...] = (),
    ) -> None:
        super().__init__("TranscribeUnits")
        self._make = make
        self._output = output
        self._metadata_columns = metadata_columns

    def expand(self, rows: beam.PCollection[beam.Row]) -> dict[str, beam.PCollection[beam.Row]]:
        """Wire the units, and the reading of their rows."""
        reports = (
            rows
            | "Input" >> beam.Map(input_of).with_output_types(AudioRef | Failure)
            | "Units" >> self._make(rows.pipeline.options)
        )
        return {
            table: reports
            | f"Read {table}"
            >> ReadRows(self._output, table=table, metadata_columns=self._metadata_columns)
            for table in get_args(Table)
        }
