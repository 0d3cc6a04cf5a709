"""ListUnits: lists the inputs of a run, and gives the units that are left to do."""

from __future__ import annotations

import pickle
import zlib
from typing import TYPE_CHECKING

import apache_beam as beam

from beam_audio.output.commits import read_commits
from beam_audio.output.holder import take
from beam_audio.unit.listed_units import listed_units
from beam_audio.unit.record_index import RecordIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.inputs.listed import ListedInputs
    from beam_audio.output.holder import Holder
    from beam_audio.unit.tasks import Wanted
    from beam_audio.unit.transcribe import Unit


class ListUnits(beam.PTransform):
    """Lists inputs, compares them with what is committed, and gives the units left to do.

    One worker does this, a wave of the list after the other, with the list and the commit records
    on its disk. Where a runner passes elements on as they come, units are done from the first wave
    on. See :func:`beam_audio.unit.listed_units.listed_units`; a repeated attempt gives the same
    units.

    Args:
        listing: Lists the inputs; called on the worker.
        wanted: The configuration that the rows should have, and the run that makes them.
        output: The output folder.
        unit_bytes: Encoded bytes per unit.
        holder: Who holds the output from before its records are read.
    """

    def __init__(
        self,
        listing: Callable[[], ListedInputs],
        wanted: Wanted,
        *,
        output: str,
        unit_bytes: int,
        holder: Holder,
    ) -> None:
        super().__init__()
        self._listing = listing
        self._wanted = wanted
        self._output = output
        self._unit_bytes = unit_bytes
        self._holder = holder

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[Unit]:
        """Wire the listing, and spread its units over the workers."""
        return (
            begin
            | "Output" >> beam.Create([self._output])
            | "Plan" >> beam.FlatMap(self._units)
            | "Spread" >> beam.Reshuffle()
            | "Load" >> beam.Map(_load)
        )

    def _units(self, output: str) -> Iterator[bytes]:
        take(output, self._holder)  # a job that starts without its command holds from here on
        before = RecordIndex(commit for commit in read_commits(output) if not commit.is_closed)
        waves = listed_units(
            self._listing(), before, self._wanted, output=output, unit_bytes=self._unit_bytes
        )
        for wave in waves:
            yield from map(_packed, wave)


def _packed(unit: Unit) -> bytes:
    """A unit in about 60 bytes an input: some runners keep in memory what is not done yet."""
    return zlib.compress(pickle.dumps(unit))


def _load(packed: bytes) -> Unit:
    unit: Unit = pickle.loads(zlib.decompress(packed))  # noqa: S301 - made by this graph
    return unit
