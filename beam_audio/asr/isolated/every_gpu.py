"""A model on every GPU of a machine: a process for each, and batches for whichever has least."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from beam_audio.asr.gpu import count_cards
from beam_audio.asr.isolated.process import VISIBLE_GPUS
from beam_audio.asr.isolated.recognizer import IsolatedRecognizer
from beam_audio.asr.recognizer import BatchLimits
from beam_audio.asr.session import CPU, resolve_provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Recognizer, Request
    from beam_audio.types import Transcript


def load_isolated(name_or_dir: str, options: ModelOptions) -> Recognizer:
    """Load a model in a process of its own, or in one for each GPU that this process is shown.

    Args:
        name_or_dir: Name of a card, or a folder on this machine.
        options: How it is loaded and used.

    Raises:
        ModelError: The model cannot be loaded, or ends the process that loads it.
        MachineError: The process was killed from outside, or cannot be started.
    """
    gpus = visible_gpus(os.environ, count_cards())
    if len(gpus) < 2 or resolve_provider(options.provider) == CPU:  # noqa: PLR2004 - one needs no choice
        return IsolatedRecognizer(name_or_dir, options)
    with ThreadPoolExecutor(len(gpus)) as threads:
        load = partial(IsolatedRecognizer, name_or_dir, options)
        return EveryGpu([*threads.map(lambda gpu: load(gpu=gpu), gpus)])


def visible_gpus(environment: Mapping[str, str], count: int) -> list[str]:
    """Names of the GPUs for the processes that one with this environment starts.

    Args:
        environment: Its variables.
        count: How many CUDA shows it. Of several parts of a GPU (MIG) that is the first alone.
    """
    named = [*filter(None, environment.get(VISIBLE_GPUS, "").split(","))]
    if count and all(name.startswith("MIG-") for name in named):
        return named or [str(number) for number in range(count)]
    return named[:count]


class EveryGpu:
    """One model on several GPUs. See ``Recognizer`` for the contract; threads may share it.

    Args:
        recognizers: The model on each GPU.
    """

    def __init__(self, recognizers: Sequence[Recognizer]) -> None:
        first = recognizers[0]
        self.facts = first.facts
        self.provider = first.provider
        self.passage_seconds = first.passage_seconds
        limits = [each.batch_limits for each in recognizers]
        self.batch_limits = BatchLimits(
            min(each.seconds for each in limits), sum(each.at_a_time for each in limits)
        )
        self._recognizers = recognizers
        self._changing = threading.Lock()
        self._batches = [0] * len(recognizers)

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio the model computes for a clip."""
        return self._recognizers[0].cost_seconds(duration_seconds)

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch on the GPU that has the fewest.

        Raises:
            Exception: As the recogniser on that GPU.
        """
        with self._least_busy() as recognizer:
            return recognizer.transcribe(requests)

    @contextmanager
    def _least_busy(self) -> Iterator[Recognizer]:
        with self._changing:
            place = self._batches.index(min(self._batches))
            self._batches[place] += 1
        try:
            yield self._recognizers[place]
        finally:
            with self._changing:
                self._batches[place] -= 1
