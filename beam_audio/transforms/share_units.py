"""ShareUnits: several workers recognise the parts of a long recording before its unit is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.transforms.unit_runs import UnitRuns
from beam_audio.unit.share import do_share, shares_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.transforms.live_model import FixedModel, LiveModel, SecondModel
    from beam_audio.unit.share import Share
    from beam_audio.unit.transcribe import Unit
    from beam_audio.unit.unit_settings import UnitSettings

_SHARED: Final = "shared"
_UNITS: Final = "units"


class ShareUnits(beam.PTransform):
    """Has the long recordings of units recognised by several workers.

    The result are the units without long recordings, which need not wait, and those with some, when
    all their shares are saved below the output.

    Args:
        settings: Settings of the units.
        model: The model; each process loads one copy.
        second: The model that gives a second opinion; None for none.
        output: The output folder.
        workers: How many workers may share a recording.
    """

    def __init__(
        self,
        settings: UnitSettings,
        model: FixedModel | LiveModel,
        *,
        second: SecondModel | None,
        output: str,
        workers: int,
    ) -> None:
        super().__init__()
        self._find = _FindShares(settings, workers)
        self._do = _DoShare(UnitRuns(model, output, second=second))

    def expand(
        self, units: beam.PCollection[Unit]
    ) -> tuple[beam.PCollection[Unit], beam.PCollection[Unit]]:
        """Wire the shares, and the grouping behind them."""
        found = units | "Shares" >> beam.ParDo(self._find).with_outputs(_SHARED, main=_UNITS)
        shared = (
            found[_SHARED]
            | "Spread" >> beam.Reshuffle()
            | "Share" >> beam.ParDo(self._do)
            | "Meet" >> beam.GroupByKey()
            | "Whole" >> beam.MapTuple(lambda _, same: next(iter(same)))
        )
        return found[_UNITS], shared


class _FindShares(beam.DoFn):
    def __init__(self, settings: UnitSettings, workers: int) -> None:
        super().__init__()
        self._settings = settings
        self._workers = workers

    def process(self, element: Unit) -> Iterator[Unit | beam.pvalue.TaggedOutput]:
        shares = shares_of(element, self._settings, self._workers)
        for share in shares:
            yield beam.pvalue.TaggedOutput(_SHARED, share)
        if not shares:
            yield element


class _DoShare(beam.DoFn):
    def __init__(self, runs: UnitRuns) -> None:
        super().__init__()
        self._runs = runs

    def setup(self) -> None:
        self._runs.load()

    def process(self, element: Share) -> Iterator[tuple[str, Unit]]:
        do_share(element, self._runs.begin())
        yield element.unit.unit_id, element.unit
