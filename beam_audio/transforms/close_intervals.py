"""CloseIntervals: what is noted of a stream, closed into intervals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
from apache_beam import coders
from apache_beam.metrics import Metrics
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    BagStateSpec,
    ReadModifyWriteStateSpec,
    TimerSpec,
    on_timer,
)

from beam_audio.stream.close_interval import close_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.transforms.userstate import (
        AccumulatingRuntimeState,
        ReadModifyWriteRuntimeState,
        RuntimeTimer,
    )

    from beam_audio.stream.close_interval import Watch
    from beam_audio.stream.interval import Interval, Note

_NOTES: Final = BagStateSpec("notes", coders.PickleCoder())
_ENDS: Final = ReadModifyWriteStateSpec("ends", coders.FloatCoder())
"""When the interval that is running ends. A note that set the timer anew would put that off."""
_NUMBER: Final = ReadModifyWriteStateSpec("number", coders.VarIntCoder())
"""Of the last ledger. A worker that died with one written writes it again, with what came since."""
_EVERY: Final = TimerSpec("every", TimeDomain.REAL_TIME)
_END: Final = TimerSpec("end", TimeDomain.WATERMARK)


class CloseIntervals(beam.PTransform):
    """Closes intervals over what is noted, and writes the ledger of each.

    Takes a PCollection of :class:`Note`; returns the :class:`Interval` of each ledger.

    Args:
        output: The output folder.
        name: Of the ledger; of many it is followed by their numbers.
        every_seconds: An interval's length; None closes one over all notes there are at the end.
        watch: What drift is measured by, if it is.
    """

    def __init__(
        self, output: str, name: str, every_seconds: float | None, watch: Watch | None = None
    ) -> None:
        super().__init__()
        self._close = _Close(output, name, every_seconds, watch)

    def expand(self, notes: beam.PCollection[Note]) -> beam.PCollection[Interval]:
        """Wire the one state that holds all notes until what they tell of has ended."""
        return (
            notes
            | "Key" >> beam.Map(lambda note: ("", note)).with_output_types(tuple[str, Any])
            | "Close" >> beam.ParDo(self._close)
        )


class _Close(beam.DoFn):
    def __init__(
        self, output: str, name: str, every_seconds: float | None, watch: Watch | None
    ) -> None:
        super().__init__()
        self._watch = watch
        self._output = output
        self._name = name
        self._every_seconds = every_seconds

    def process(  # noqa: PLR0913, PLR0917 - Beam's way to ask for state and timers
        self,
        element: tuple[str, Note],
        window: beam.transforms.window.BoundedWindow = beam.DoFn.WindowParam,
        notes: AccumulatingRuntimeState = beam.DoFn.StateParam(_NOTES),
        ends: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(_ENDS),
        every: RuntimeTimer = beam.DoFn.TimerParam(_EVERY),
        end: RuntimeTimer = beam.DoFn.TimerParam(_END),
    ) -> None:
        notes.add(element[1])
        end.set(window.end)
        if self._every_seconds is not None and not ends.read():
            ends.write(time.time() + self._every_seconds)
            every.set(ends.read())

    @on_timer(_EVERY)  # type: ignore[untyped-decorator]
    def every(
        self,
        notes: AccumulatingRuntimeState = beam.DoFn.StateParam(_NOTES),
        number: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(_NUMBER),
        ends: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(_ENDS),
        every: RuntimeTimer = beam.DoFn.TimerParam(_EVERY),
    ) -> Iterator[Interval]:
        """At the end of an interval; what is not done by then is told of by a later one."""
        yield from self._closed(notes, number)
        if self._every_seconds is not None and any(True for _ in notes.read()):
            ends.write(max(ends.read() + self._every_seconds, time.time()))
            every.set(ends.read())
        else:
            ends.clear()

    @on_timer(_END)  # type: ignore[untyped-decorator]
    def end(
        self,
        notes: AccumulatingRuntimeState = beam.DoFn.StateParam(_NOTES),
        number: ReadModifyWriteRuntimeState = beam.DoFn.StateParam(_NUMBER),
    ) -> Iterator[Interval]:
        """When the stream has ended."""
        yield from self._closed(notes, number)

    def _closed(
        self, notes: AccumulatingRuntimeState, number: ReadModifyWriteRuntimeState
    ) -> Iterator[Interval]:
        count = (number.read() or 0) + 1
        name = self._name if self._every_seconds is None else f"{self._name}{count:06}"
        interval, kept = close_interval(
            self._output, name, list(notes.read()), time.time(), self._watch
        )
        if interval is None:
            return
        number.write(count)
        interval.write(self._output)
        notes.clear()
        for note in kept:
            notes.add(note)
        Metrics.distribution("beam_audio", "lag_milliseconds").update(
            round(interval.lag_seconds * 1e3)
        )
        if not interval.balances:
            Metrics.counter("beam_audio", "unbalanced_intervals").inc()
        yield interval
