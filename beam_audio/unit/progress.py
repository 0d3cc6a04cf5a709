"""How far the work in this process is, for a display beside a local run."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONG_BYTES: Final = 256 << 20
"""A smaller copy is over before anybody wonders."""


@dataclass(slots=True, eq=False)
class Copy:
    """A recording that is being copied to this machine."""

    total_bytes: int
    copied_bytes: int = 0


class Progress:
    """Running totals of this process, safe to read from another thread.

    Attributes:
        planned: Inputs that are to be done, as far as they have been looked at, and all others.
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
        self._copies: list[Copy] = []

    def plan(self, inputs: int) -> None:
        """Count inputs that are to be done; fewer if some turn out to be done."""
        with self._lock:
            self.planned += inputs

    @contextmanager
    def copying(self, total_bytes: int) -> Iterator[Copy]:
        """Show a copy while the block runs, which keeps it up to date."""
        copy = Copy(total_bytes)
        with self._lock:
            self._copies.append(copy)
        try:
            yield copy
        finally:
            with self._lock:
                self._copies.remove(copy)

    @property
    def long_copies(self) -> Copy:
        """The long copies that are under way, added up."""
        with self._lock:
            copies = [each for each in self._copies if each.total_bytes >= _LONG_BYTES]
        return Copy(
            sum(each.total_bytes for each in copies), sum(each.copied_bytes for each in copies)
        )

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
