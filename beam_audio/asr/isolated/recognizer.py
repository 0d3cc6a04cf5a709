"""A recogniser in a child process: who is at fault when the process ends, and what is done then.

A batch is at fault only if it was the only one that the process was ever given: memory that one
batch damages may kill the next, and a process may serve several threads. So a batch that was lost
with its process is given again, alone, until it has a process to itself.

The machine is at fault if somebody else killed the process: the kernel that ran out of memory, or a
person. Then the batch is given again, at last in halves, which need less memory.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.isolated.messages import facts_in
from beam_audio.asr.isolated.process import ModelProcess, ProcessLost
from beam_audio.asr.isolated.program import COST_STEP_SECONDS
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.errors import MachineError, ModelError, RecognizerCrash, RecognizerHang

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beam_audio.asr.isolated.messages import Content
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Request
    from beam_audio.types import Transcript

HANG_SECONDS: Final = 120.0
"""A process that leaves a batch unanswered so long, without computing anything, hangs."""

_MOST_KILLS: Final = 2
_MOST_TURNS: Final = 5
_CURE: Final = (
    "if the machine ran out of memory, give it more, or lower --batch_seconds or the number of "
    "workers; then run the same command again"
)


class IsolatedRecognizer:
    """A model in a child process. See ``Recognizer`` for the contract; threads may share it.

    The process ends with this object.
    """

    def __init__(
        self,
        name_or_dir: str,
        options: ModelOptions = DEFAULT_OPTIONS,
        *,
        hang_seconds: float = HANG_SECONDS,
        gpu: str | None = None,
    ) -> None:
        """Load the model.

        Args:
            name_or_dir: Name of a card, or a folder on this machine.
            options: How it is loaded and used.
            hang_seconds: See :data:`HANG_SECONDS`.
            gpu: Name of the only GPU that CUDA shows the process; None shows it all of ours.

        Raises:
            ModelError: The model cannot be loaded, or ends the process that loads it.
            MachineError: The process was killed from outside, or cannot be started.
        """
        self._processes = _Processes(
            partial(ModelProcess, name_or_dir, options, hang_seconds, gpu), name_or_dir
        )
        weakref.finalize(self, self._processes.stop)
        self._turns = _Turns()
        process = self._processes.first()
        loaded = process.loaded
        self.facts = facts_in(loaded["facts"])
        self.provider: str = loaded["provider"]
        self.passage_seconds: float = loaded["passage_seconds"]
        self.batch_limits = process.batch_limits
        self._costs: list[float] = loaded["costs"]

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio the model computes for a clip, to a tenth of a second."""
        place = duration_seconds / COST_STEP_SECONDS
        return float(np.interp(place, np.arange(len(self._costs)), self._costs))

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch; one transcript per request, in order.

        Raises:
            RecognizerCrash: The batch ends the process of the recogniser, or makes it hang.
            MachineError: The process ends again and again before it begins, or is killed even while
                it has a single request.
            Exception: As the recogniser raised it.
        """
        kills = 0
        for turn in range(_MOST_TURNS):
            with self._turns.take(alone=turn > 0):
                try:
                    return self._processes.current().transcribe(requests)
                except ProcessLost as error:
                    lost = error
            if lost.was_alone and not lost.loss.by_machine:
                raise self._crash(lost) from lost
            kills += lost.loss.by_machine
            if kills == _MOST_KILLS:
                return self._halves(requests, lost)
        raise MachineError(
            f"the process of {self.facts.model_id} ends before it begins anything ({lost}); check "
            "the model with: beam-audio models check"
        ) from lost

    def _halves(self, requests: Sequence[Request], lost: ProcessLost) -> list[Transcript]:
        if len(requests) == 1:
            raise MachineError(
                f"the process of {self.facts.model_id} was ended from outside ({lost}) "
                f"{_MOST_KILLS} times while it had one segment; {_CURE}"
            ) from lost
        middle = len(requests) // 2
        return [*self.transcribe(requests[:middle]), *self.transcribe(requests[middle:])]

    def _crash(self, lost: ProcessLost) -> RecognizerCrash:
        model = self.facts.model_id
        if lost.loss.hung:
            return RecognizerHang(f"{model} hangs at this segment: its process did nothing more")
        return RecognizerCrash(f"{model} died of this segment ({lost})")


class _Processes:
    """The process in use, and the next one when that is lost."""

    def __init__(self, start: Callable[[], ModelProcess], name: str) -> None:
        self._start = start
        self._name = name
        self._starting = threading.Lock()
        self._process: ModelProcess | None = None
        self._loaded: Content = {}

    def first(self) -> ModelProcess:
        """Start the first one.

        Raises:
            ModelError: The model cannot be loaded.
            MachineError: The process is killed from outside, or cannot be started.
        """
        try:
            self._process = self._start()
        except ProcessLost as lost:
            if not lost.loss.by_machine:
                raise ModelError(
                    f"{self._name} ends the process that loads it ({lost}); check the model with: "
                    f"beam-audio models check {self._name}"
                ) from lost
            raise MachineError(
                f"the process that loads {self._name} was ended from outside ({lost}); {_CURE}"
            ) from lost
        self._loaded = self._process.loaded
        return self._process

    def current(self) -> ModelProcess:
        """One that runs.

        Raises:
            ProcessLost: It was killed while it loaded the model.
            MachineError: It cannot be started, or its model is no longer the same.
        """
        with self._starting:
            if self._process is None or self._process.is_lost:
                self._process = self._start_again()
            return self._process

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stop()

    def _start_again(self) -> ModelProcess:
        """A loaded model does not change when its files do; one that is loaded again may."""
        again = f"{self._name} was loaded when the run began and cannot be loaded again"
        try:
            process = self._start()
        except ProcessLost as lost:
            if lost.loss.by_machine:
                raise
            raise MachineError(f"{again}: its process ended ({lost})") from lost
        except Exception as error:  # its errors share no class, as when it is loaded first
            raise MachineError(f"{again}: {error}") from error
        if process.loaded != self._loaded:
            process.stop()
            raise MachineError(f"{again}: it is another model now, or runs on another provider")
        return process


class _Turns:
    """Batches are recognised together, or one of them alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._together = 0
        self._waiting = 0
        self._is_alone = False

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn; a caller that wants one alone comes first."""
        with self._changed:
            self._waiting += alone
            self._changed.wait_for(
                lambda: not (self._is_alone or (self._together if alone else self._waiting))
            )
            self._waiting -= alone
            self._is_alone = alone
            self._together += not alone
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._together -= not alone
                self._changed.notify_all()
