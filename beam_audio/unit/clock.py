"""Stages of the work on a recording: the time each takes, and failures in a stage."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from beam_audio.inputs.redaction import redacted
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

T = TypeVar("T")


class StageClock:
    """Adds up the seconds spent in each stage, by all threads together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add({name: time.perf_counter() - start})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add seconds that were spent in stages elsewhere."""
        with self._lock:
            for name, took in seconds.items():
                self.seconds[name] += took

    def iterate(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Add the time it takes to make each item to a stage."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item


def failure_of(ref: AudioRef, stage: str, error: Exception) -> Failure:
    """Failure of an input (stage ``open``) or of its recording (later stages).

    Errors of libraries may name the whole address: its secrets are left out.
    """
    return Failure(
        unit="input" if stage == "open" else "recording",
        stage=stage,
        source_id=ref.source_id,
        uri=ref.uri,
        error_type=type(error).__name__,
        message=redacted(str(error) or repr(error)),
        event_time=ref.event_time,
        attempt=ref.attempt,
    )
