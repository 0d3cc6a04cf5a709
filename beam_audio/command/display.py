"""What a run shows: a line while it works, a table when it is done."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from beam_audio.run.run_file import RunResult
    from beam_audio.unit.work import Progress

_REFRESH_SECONDS: Final = 0.5
_HOUR_SECONDS: Final = 3600.0


class ProgressLine:
    """Rewrites one terminal line with what is done by now; silent where there is no terminal.

    Args:
        text: The line, given the seconds since the start.
        stream: Where it is shown.
    """

    def __init__(self, text: Callable[[float], str], stream: TextIO = sys.stderr) -> None:
        self._text = text
        self._stream = stream
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _show(self) -> None:
        while not self._stop.wait(_REFRESH_SECONDS):
            text = self._text(max(time.monotonic() - self._start, 1e-9))
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()


def run_text(done: Progress, elapsed_seconds: float) -> str:
    """Running totals of a run."""
    return (
        f"{done.recordings} recordings · {done.decoded_seconds / _HOUR_SECONDS:.2f} h · "
        f"{done.decoded_seconds / elapsed_seconds:.1f}× real time · {done.failures} failures"
    )


def closing_table(result: RunResult) -> str:
    """The account of a run as aligned text."""
    ledger = result.ledger
    lines = [
        _line("inputs", f"{ledger.inputs}", _duplicates(result)),
        _line("recordings", f"{ledger.recordings}", f"{_hours(ledger.decoded_seconds)} decoded"),
    ]
    if differing := ledger.reasons.get("channels_differ"):
        cure = "with speech in both channels at once: --channels=split keeps it apart"
        lines.append(_line("  mixed", f"{differing}", cure))
    for decision, count in ledger.segments.items():
        seconds = ledger.seconds[decision]
        lines.append(_line(f"  {decision}", f"{count}", f"{_hours(seconds)} in segments"))
    lines += [
        _line(f"  {name}", "", f"{_hours(ledger.seconds[name])} {what}")
        for name, what in (("failed", "not recognised"), ("skipped", "without speech"))
    ]
    lines.append(_line("failures", f"{sum(ledger.failures.values())}"))
    for (unit, stage, error_type), count in ledger.failures.items():
        lines.append(_line(f"  {unit}", f"{count}", f"{error_type} while in {stage}"))
    if ledger.corpus_wer is not None:
        words = f"over {ledger.wer_words} reference words"
        lines.append(_line("corpus WER", f"{ledger.corpus_wer:.1%}", words))
    if result.times_real_time is not None:
        on = ", ".join(result.providers)
        took = f"× real time, {result.wall_seconds:.1f} s on {on}"
        lines.append(_line("speed", f"{result.times_real_time:.1f}", took))
    else:
        idle = "nothing could be decoded" if result.providers else "nothing new to do"
        lines.append(_line("speed", "-", idle))
    lines.append(_line("ledger", "balances" if ledger.balances else "DOES NOT BALANCE"))
    lines += [f"  missing: {source_id}" for source_id in ledger.missing[:10]]
    lines += [f"  unbalanced: {recording_id}" for recording_id in ledger.unbalanced[:10]]
    return "\n".join(lines)


def _line(name: str, figure: str, remark: str = "") -> str:
    return f"{name:<12}{figure:>10}  {remark}".rstrip()


def _hours(seconds: float) -> str:
    return f"{seconds / _HOUR_SECONDS:.2f} h" if seconds >= _HOUR_SECONDS else f"{seconds:.1f} s"


def _duplicates(result: RunResult) -> str:
    repeated = result.listed - result.ledger.inputs
    again = result.done_again
    known = result.ledger.inputs - result.new_inputs - again
    remarks = ((repeated, "listed twice"), (known, "done before"), (again, "done again"))
    return ", ".join(f"{count} {what}" for count, what in remarks if count > 0)
