"""ReadRows and AsRows: typed rows, of committed units and of the steps of your own pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam

from beam_audio.output.parts import folder_keys, rows_of
from beam_audio.transforms.rows import beam_row, names_of, row_type
from beam_audio.types import Failure, Segment, Transcript
from beam_audio.unit.columns import segment_columns, words_column, words_in_recording
from beam_audio.unit.rows import failure_row
from beam_audio.unit.transcribe import UnitReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.typehints.row_type import RowTypeConstraint

    from beam_audio.schema import Table
    from beam_audio.types import Row

_KNOWN_TO_STEPS: Final = frozenset(
    {
        *("segment_id", "recording_id", "channel", "segment_index"),
        *("start_seconds", "end_seconds", "core_start_seconds", "core_end_seconds"),
        *("duration_seconds", "speech", "text", "language", "language_probability"),
        *("avg_logprob", "no_speech_prob", "words"),
    }
)
"""Columns of ``segments`` that a segment and its transcript have."""


@beam.typehints.with_input_types(UnitReport)
class ReadRows(beam.PTransform):
    """The rows of the units that :class:`TranscribeUnits` reports, as typed ``beam.Row`` elements.

    Units that were done before give no report, and so no rows. Stored audio is left out.

    Args:
        output: The output folder.
        table: ``segments``, ``recordings`` or ``failures``.
        metadata_columns: Keys of ``metadata`` that are columns of the output, too.
    """

    def __init__(
        self,
        output: str,
        *,
        table: Table = "segments",
        metadata_columns: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"ReadRows({table})")
        self._output = output
        self._table: Table = table
        self._type = row_type(table, () if table == "failures" else metadata_columns)

    def expand(self, reports: beam.PCollection[UnitReport]) -> beam.PCollection[beam.Row]:
        """Wire the reading."""
        reading = beam.FlatMap(_rows, self._output, self._table, self._type)
        return reports | "Read" >> reading.with_output_types(self._type)


class AsRows(beam.PTransform):
    """What the steps give, as typed ``beam.Row`` elements with the columns that the steps know.

    Args:
        table: ``segments`` for the (segment, transcript) of :class:`Transcribe`; ``failures`` for
            :class:`Failure`, whose rows have all columns.
    """

    def __init__(self, table: Table = "segments") -> None:
        super().__init__(f"AsRows({table})")
        if table == "failures":
            self._type = row_type("failures")
            self.with_input_types(Failure)
        else:
            self._type = row_type("segments", only=_KNOWN_TO_STEPS)
            self.with_input_types(tuple[Segment, Transcript])

    def expand(self, results: beam.PCollection[Any]) -> beam.PCollection[beam.Row]:
        """Wire the conversion."""
        return results | "Row" >> beam.Map(_as_row, self._type).with_output_types(self._type)


def _rows(
    report: UnitReport, output: str, table: Table, columns: RowTypeConstraint
) -> Iterator[beam.Row]:
    commit = report.commit
    for name in commit.files_of(table):
        keys = folder_keys(name)
        for batch in rows_of(output, name, commit.sources, names_of(columns)):
            yield from (beam_row(row | keys, columns) for row in batch.to_pylist())


def _as_row(result: Failure | tuple[Segment, Transcript], columns: RowTypeConstraint) -> beam.Row:
    if isinstance(result, Failure):
        _, _, row = failure_row(result)
    else:
        row = _step_row(*result)
    return beam_row(row, columns)


def _step_row(segment: Segment, transcript: Transcript) -> Row:
    return {
        **segment_columns(segment),
        "channel": segment.channel,
        "text": transcript.text,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "avg_logprob": transcript.avg_logprob,
        "no_speech_prob": transcript.no_speech_prob,
        "words": words_column(words_in_recording(segment, transcript.words)),
    }
