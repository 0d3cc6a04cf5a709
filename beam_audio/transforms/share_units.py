"""ShareUnits: several workers recognise the parts of a long recording before its unit is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.utils.shared import Shared

from beam_audio.unit.device_clock import DeviceClock
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.share import do_share, shares_of
from beam_audio.unit.transcribe import UnitRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.stream.model_watch import Choice
    from beam_audio.transforms.live_model import FixedModel, LiveModel, SecondModel
    from beam_audio.unit.share import Share
    from beam_audio.unit.transcribe import Unit
    from beam_audio.unit.work import UnitSettings

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
        self._do = _DoShare(model, output, second)

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
    def __init__(
        self, model: FixedModel | LiveModel, output: str, second_model: SecondModel | None
    ) -> None:
        super().__init__()
        self._model = model
        self._second_model = second_model
        self._second: Recognizer | None = None
        self._output = output
        self._shared_clock = Shared()
        self._device: DeviceClock | None = None
        self._choose: Callable[[], Choice] | None = None

    def setup(self) -> None:
        self._device = self._shared_clock.acquire(DeviceClock)
        self._choose = self._model.acquire()
        self._second = self._second_model.acquire() if self._second_model else None

    def process(self, element: Share) -> Iterator[tuple[str, Unit]]:
        if self._choose is None or self._device is None:
            raise RuntimeError("setup was not called")
        settings, recognizer = self._choose()
        run = UnitRun(
            settings=settings,
            recognizer=recognizer,
            second=self._second,
            root=self._output,
            progress=PROGRESS,
            device=self._device,
        )
        do_share(element, run)
        yield element.unit.unit_id, element.unit
