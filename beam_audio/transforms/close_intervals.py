"""CloseIntervals: turns the notes of a stream into intervals."""

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
"""When the present interval ends. If each note set the timer, notes would put the end off."""
_NUMBER: Final = ReadModifyWriteStateSpec("number", coders.VarIntCoder())
"""Number of the last ledger. A worker that died after writing one writes it again, with the notes
that came since."""
_EVERY: Final = TimerSpec("every", TimeDomain.REAL_TIME)
_END: Final = TimerSpec("end", TimeDomain.WATERMARK)


class CloseIntervals(beam.PTransform):
    """Closes intervals over the notes of a stream, and writes the ledger of each.

    Takes a PCollection of :class:`Note`; returns the :class:`Interval` of each ledger.

    Args:
        output: The output folder.
        name: Name of the ledger; if there are many, their numbers follow it.
        every_seconds: Length of an interval; None closes one at the end, over all notes.
        watch: What new segments are compared with to find drift; None for nothing.
    """

    def __init__(
        self, output: str, name: str, every_seconds: float | None, watch: Watch | None = None
    ) -> None:
        super().__init__()
        self._close = _Close(output, name, every_seconds, watch)

    def expand(self, notes: beam.PCollection[Note]) -> beam.PCollection[Interval]:
        """Wire the single state that holds all notes until their messages are finished."""
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
        """Close an interval; messages that are not finished are left to a later one."""
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
        """Close the last interval when the stream ends."""
        yield from self._closed(notes, number)

    def _closed(
        self, notes: AccumulatingRuntimeState, number: ReadModifyWriteRuntimeState
    ) -> Iterator[Interval]:
        """Write the ledger of the finished messages, if any, and keep the notes of the others."""
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
        for decision, count in interval.ledger.segments.items():
            Metrics.counter("beam_audio", f"{decision}_segments").inc(count)
        if not interval.balances:
            Metrics.counter("beam_audio", "unbalanced_intervals").inc()
        yield interval
