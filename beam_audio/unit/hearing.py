"""What the models of a run hear in a batch of passages, in the languages that are stated."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.unit.recognise import model_language, passage_seconds
from beam_audio.unit.second import first_texts, second_opinions

if TYPE_CHECKING:
    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.device_clock import DeviceClock
    from beam_audio.unit.events import PreparedSegment
    from beam_audio.unit.recognise import Result

Heard = tuple["Result", "Opinion | None"]
"""What the model of the run and the second one heard in a segment."""
Passage = tuple["PreparedSegment", ...]
"""Segments of one recording that are recognised in one piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """The models, and how they are asked.

    Attributes:
        recognizer: The model of the run.
        second: The model that gives a second opinion; None for none.
        language: ``auto``, ``from_manifest`` or an ISO 639 code.
        batch_seconds: Most padded seconds in a batch; None leaves it to each model.
        clock: Where the time spent is added up.
        device: Where the time of the recogniser is added up.
    """

    recognizer: Recognizer
    second: Recognizer | None
    language: str
    batch_seconds: float | None
    clock: StageClock
    device: DeviceClock

    @property
    def budget_seconds(self) -> float:
        """Most padded seconds in a batch."""
        return self.batch_seconds or self.recognizer.batch_limits.seconds

    @property
    def at_a_time(self) -> int:
        """How many batches all models take at the same time."""
        most = self.recognizer.batch_limits.at_a_time
        return min(most, self.second.batch_limits.at_a_time) if self.second else most

    def cost_seconds(self, passage: Passage) -> float:
        """Seconds of a passage when it is padded."""
        return self.recognizer.cost_seconds(passage_seconds(passage))

    def hear(self, batch: list[Passage]) -> list[list[Heard]]:
        """What is heard in each segment of each passage.

        Raises:
            ModelError: A recogniser fails on everything, even on silence.
            MachineError: The machine is at fault.
        """
        stated = [self._stated_language(passage[0]) for passage in batch]
        called = [model_language(self.recognizer, each) for each in stated]
        with self.device.batch():
            with self.clock.stage("recognise"):
                results = first_texts(self.recognizer, batch, called)
            with self.clock.stage("second") if self.second else nullcontext():
                seconds = second_opinions(self.second, batch, stated, self.batch_seconds)
        return [list(zip(*each, strict=True)) for each in zip(results, seconds, strict=True)]

    def _stated_language(self, item: PreparedSegment) -> str | None:
        """The language that recognisers are given; None lets them decide."""
        if self.language == "auto":
            return None
        return item.source.ref.language if self.language == "from_manifest" else self.language
