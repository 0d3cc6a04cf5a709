"""Halves batches that do not fit the accelerator's memory, and remembers the size that fits."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from beam_audio.asr.recognizer import BatchLimits
from beam_audio.errors import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr.recognizer import Recognizer, Request
    from beam_audio.types import Transcript

_LOG = logging.getLogger(__name__)


class MemoryBound:
    """A recogniser that passes batches to another one, none larger than its memory can hold.

    The size of a batch is its number of clips times the cost of its longest clip in seconds.
    Several threads may use it: the limit that one finds holds for all of them from then on.

    Args:
        recognizer: The recogniser that does the work. Its texts must not depend on the batch, as
            the contract of ``Recognizer`` says.
        batch_seconds: Most padded seconds of a batch, until one proves too large.
    """

    def __init__(self, recognizer: Recognizer, batch_seconds: float) -> None:
        self.facts = recognizer.facts
        self.provider = recognizer.provider
        self.passage_seconds = recognizer.passage_seconds
        self._recognizer = recognizer
        self._wanted_seconds = batch_seconds
        self._most_seconds = float("inf")

    def limit(self, batch_seconds: float) -> None:
        """Set the most padded seconds of a batch."""
        self._wanted_seconds = batch_seconds

    @property
    def batch_limits(self) -> BatchLimits:
        """The size that is wanted, or what is known to fit if that is less."""
        return BatchLimits(min(self._wanted_seconds, self._most_seconds))

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio the model computes for a clip."""
        return self._recognizer.cost_seconds(duration_seconds)

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch in as few parts as memory allows, in order.

        Errors of the recogniser inside are raised unchanged, out of memory on a single clip
        included.

        Raises:
            ModelError: As the recogniser inside.
        """
        if len(requests) > 1 and self._seconds(requests) > self._most_seconds:
            return self._halves(requests)
        try:
            return self._recognizer.transcribe(requests)
        except Exception as error:
            if len(requests) == 1 or not is_out_of_memory(error):
                raise
        self._most_seconds = min(self._most_seconds, self._seconds(requests) / 2)
        _LOG.warning(
            "a batch of %d clips does not fit the memory of %s: batches of more than %.0f padded "
            "seconds are cut from now on (a smaller --batch_seconds saves the failed attempts)",
            len(requests),
            self.provider,
            self._most_seconds,
        )
        return self._halves(requests)

    def _seconds(self, requests: Sequence[Request]) -> float:
        rate_hz = self.facts.sample_rate_hz
        return len(requests) * max(
            self.cost_seconds(len(request.samples) / rate_hz) for request in requests
        )

    def _halves(self, requests: Sequence[Request]) -> list[Transcript]:
        middle = len(requests) // 2
        return [*self.transcribe(requests[:middle]), *self.transcribe(requests[middle:])]
