"""How far the work in this process is, for a display beside a local run."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


class Progress:
    """Running totals of this process, safe to read from another thread.

    Attributes:
        planned: Inputs that are to be done.
        inputs: Inputs that are done or failed.
        decoded_seconds: Source seconds decoded.
        failures: Failures by error type.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.planned = 0
        self.inputs = 0
        self.decoded_seconds = 0.0
        self.failures: Counter[str] = Counter()

    def plan(self, inputs: int) -> None:
        """Count inputs that are to be done."""
        with self._lock:
            self.planned += inputs

    def add(
        self, *, inputs: int = 0, decoded_seconds: float = 0.0, failures: Iterable[str] = ()
    ) -> None:
        """Count finished work; failures are given by their error types."""
        with self._lock:
            self.inputs += inputs
            self.decoded_seconds += decoded_seconds
            self.failures.update(failures)


PROGRESS: Final = Progress()
"""What this process has planned and finished."""
