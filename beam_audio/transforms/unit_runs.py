"""What units are done with in a worker: the models of its process, and a clock of their device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.utils.shared import Shared

from beam_audio.unit.device_clock import DeviceClock
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.transcribe import UnitRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.stream.model_watch import Choice
    from beam_audio.transforms.live_model import FixedModel, LiveModel, SecondModel


class UnitRuns:
    """Gives a DoFn what it does each unit with. It travels to the workers before it is loaded.

    Args:
        model: The model with the settings of the units; each process loads one copy.
        output: The output folder.
        run_id: Name of the run.
        second: The model that gives a second opinion; None for none.
    """

    def __init__(
        self,
        model: FixedModel | LiveModel,
        output: str,
        *,
        run_id: str = "",
        second: SecondModel | None = None,
    ) -> None:
        self._model = model
        self._output = output
        self._run_id = run_id
        self._second_model = second
        self._shared_clock = Shared()
        self._device: DeviceClock | None = None
        self._choose: Callable[[], Choice] | None = None
        self._second: Recognizer | None = None

    def load(self) -> None:
        """Load the models of this process.

        Raises:
            ModelError: One cannot be loaded, or is not the one the run began with.
        """
        self._device = self._shared_clock.acquire(DeviceClock)
        self._choose = self._model.acquire()
        self._second = self._second_model.acquire() if self._second_model else None

    def begin(self) -> UnitRun:
        """What the next unit is done with; a stream's model may be another than before.

        Raises:
            RuntimeError: Nothing is loaded.
        """
        if self._choose is None or self._device is None:
            raise RuntimeError("the models were not loaded")
        settings, recognizer = self._choose()
        return UnitRun(
            settings=settings,
            recognizer=recognizer,
            second=self._second,
            root=self._output,
            progress=PROGRESS,
            device=self._device,
            run_id=self._run_id,
        )
