"""How far long work is: a bar on a terminal, elsewhere a line now and then; always on stderr."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TextIO

from tqdm import tqdm

from beam_audio.command.display import shown_seconds
from beam_audio.command.log_lines import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from beam_audio.unit.progress import Progress

_REFRESH_SECONDS: Final = 0.5
_LINE_SECONDS: Final = 30.0
_GIB: Final = 1 << 30
_BAR: Final = "{percentage:3.0f}%|{bar:20}| {n_fmt}/{total_fmt}{unit} [{remaining} left{postfix}]"
_NO_TOTAL: Final = "{elapsed}{postfix}"


@dataclass(frozen=True, slots=True)
class Status:
    """How far work is.

    Attributes:
        done: What is finished.
        total: What is finished in the end; None while nobody knows.
        remark: What is shown beside the numbers.
    """

    done: int
    total: int | None
    remark: str = ""


class ProgressBar:
    """Shows how far work is while it is entered.

    Args:
        look: The status, given the seconds since the total is known.
        unit: What is counted, such as ``inputs``.
        stream: Where it is shown; stderr by default. A bar if it is a terminal, else lines.
        line_seconds: Time between lines.
    """

    def __init__(
        self,
        look: Callable[[float], Status],
        unit: str,
        *,
        stream: TextIO | None = None,
        line_seconds: float = _LINE_SECONDS,
    ) -> None:
        self._look = look
        self._unit = unit
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._wait_seconds = _REFRESH_SECONDS if self._is_terminal else line_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
        self._start = time.monotonic()
        self._has_total = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _show(self) -> None:
        bar = None
        if self._is_terminal:
            bar = tqdm(
                file=self._stream,
                unit=f" {self._unit}",
                bar_format=_NO_TOTAL,
                leave=False,
                **_size(self._stream),
            )
        while not self._stop.wait(self._wait_seconds):
            status = self._status()
            if bar is None:
                say(self._line(status), "progress", stream=self._stream)
            else:
                _update(bar, status)
        if bar is not None:
            bar.close()

    def _status(self) -> Status:
        status = self._look(self._seconds())
        if status.total and not self._has_total:  # only now does the time left mean anything
            self._has_total = True
            self._start = time.monotonic()
        return status

    def _seconds(self) -> float:
        return max(time.monotonic() - self._start, 1e-9)

    def _line(self, status: Status) -> str:
        parts = []
        if status.total:
            share = status.done / status.total
            parts.append(f"{status.done} of {status.total} {self._unit} ({share:.0%})")
            if status.done:
                left_seconds = self._seconds() * (1 - share) / share
                parts.append(f"{tqdm.format_interval(left_seconds)} left")
        return " · ".join(filter(None, [*parts, status.remark]))


def _size(stream: TextIO) -> dict[str, Any]:
    """How wide a bar is: as the terminal, or of a usual width where that has no size."""
    if os.get_terminal_size(stream.fileno()).columns:
        return {"dynamic_ncols": True}
    return {"ncols": 100, "nrows": 24}


def _update(bar: tqdm, status: Status) -> None:
    if status.total and bar.total is None:
        bar.reset()
    bar.total, bar.n = status.total, status.done
    bar.bar_format = _BAR if status.total else _NO_TOTAL
    bar.set_postfix_str(status.remark)


def run_status(progress: Progress, seconds: float) -> Status:
    """The status of a run in this process.

    Args:
        progress: What was planned and finished.
        seconds: Time since the plan was known.
    """
    if not progress.planned:
        return Status(0, None, "listing inputs")
    decoded = speed = ""
    if progress.decoded_seconds:
        decoded = f"{shown_seconds(progress.decoded_seconds)} decoded"
        speed = f"{progress.decoded_seconds / seconds:.1f}× real time"
    kinds = ", ".join(f"{count} {kind}" for kind, count in progress.failures.most_common())
    failed = f"{progress.failures.total()} failed ({kinds})" if kinds else ""
    copies = progress.long_copies
    copied = ""
    if copies.total_bytes:
        of = f"{copies.copied_bytes / _GIB:.1f} of {copies.total_bytes / _GIB:.1f} GiB"
        copied = f"copying long recordings, {of}"
    remark = " · ".join(filter(None, [decoded, speed, copied, failed]))
    return Status(min(progress.inputs, progress.planned), progress.planned, remark)
