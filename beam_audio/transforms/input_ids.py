"""WriteNames: writes names from inside a graph to files that the command reads afterwards."""

from __future__ import annotations

from functools import partial
from typing import Final

import apache_beam as beam

from beam_audio.output.input_ids import write_ids

_DIGITS: Final = 2


class WriteNames(beam.PTransform):
    """Writes hexadecimal names of a bounded collection, for :func:`read_ids`.

    Args:
        output: The output folder.
        run_id: Name of the run.
    """

    def __init__(self, output: str, run_id: str) -> None:
        super().__init__()
        self._write = partial(write_ids, output, run_id)

    def expand(self, names: beam.PCollection[str]) -> beam.PCollection[None]:
        """Wire files by the first digits: no worker has all names, and one file is always there."""
        keyed = names | "First" >> beam.Map(lambda name: (name[:_DIGITS], name))
        none = names.pipeline | "None" >> beam.Create([("00", "")])
        return (
            (keyed, none)
            | "All" >> beam.Flatten()
            | "Gather" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(self._write)
        )
