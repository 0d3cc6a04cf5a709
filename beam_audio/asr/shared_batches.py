"""Batches that wait for a device at the same time become one."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from beam_audio.asr.recognizer import BatchLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr.recognizer import Recognizer, Request
    from beam_audio.types import Transcript

AT_A_TIME: Final = 2
"""What a batch needs of the host, features before and words after, is computed while the other one
is on the device."""

_MOST_WASTE: Final = 1.25
"""Short clips are not padded to the length of long ones to save a batch."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A batch of one thread, and what its thread waits for."""

    requests: Sequence[Request]
    longest_seconds: float
    answer: Future[list[Transcript]] = field(default_factory=Future)


class SharedBatches:
    """A recogniser on a device that threads share; it gives small batches to another one together.

    Two batches at a time are recognised, always by the same two threads: captured CUDA graphs
    belong to a thread. A batch is joined by those that wait, too, if all together are within the
    limits and of similar length. When such a batch fails, its parts are recognised one by one, so
    that an error reaches the thread whose batch it is.

    Args:
        recognizer: The recogniser that does the work. Its texts must not depend on the batch, as
            the contract of ``Recognizer`` says.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.facts = recognizer.facts
        self.provider = recognizer.provider
        self.passage_seconds = recognizer.passage_seconds
        self._recognizer = recognizer
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="device")
        self._changing = threading.Lock()
        self._waiting: list[_Asked] = []

    @property
    def batch_limits(self) -> BatchLimits:
        """The size is that of the recogniser inside."""
        return BatchLimits(self._recognizer.batch_limits.seconds, AT_A_TIME)

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio the model computes for a clip."""
        return self._recognizer.cost_seconds(duration_seconds)

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch, perhaps together with others; one transcript per request, in order.

        Raises:
            Exception: As the recogniser inside.
        """
        mine = _Asked(requests, self._longest_seconds(requests))
        with self._changing:
            self._waiting.append(mine)
        self._threads.submit(self._recognise_next)
        return mine.answer.result()

    def _recognise_next(self) -> None:
        """Recognise the batch that waits longest, if it has not joined another one already."""
        with self._changing:
            if not self._waiting:
                return
            together = self._waiting[:1]
            for other in self._waiting[1:]:
                if self._fit([*together, other]):
                    together.append(other)
            self._waiting = [each for each in self._waiting if each not in together]
        self._recognise(together)

    def _fit(self, together: Sequence[_Asked]) -> bool:
        count = sum(len(each.requests) for each in together)
        padded = count * max(each.longest_seconds for each in together)
        apart = sum(len(each.requests) * each.longest_seconds for each in together)
        return padded <= min(self.batch_limits.seconds, _MOST_WASTE * apart)

    def _recognise(self, together: Sequence[_Asked]) -> None:
        requests = [request for each in together for request in each.requests]
        try:
            found = iter(self._recognizer.transcribe(requests))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            if len(together) == 1:
                together[0].answer.set_exception(error)
                return
            for each in together:
                self._recognise([each])
            return
        for each in together:
            each.answer.set_result([*islice(found, len(each.requests))])

    def _longest_seconds(self, requests: Sequence[Request]) -> float:
        rate_hz = self.facts.sample_rate_hz
        return max(
            (self.cost_seconds(len(each.samples) / rate_hz) for each in requests), default=0.0
        )
