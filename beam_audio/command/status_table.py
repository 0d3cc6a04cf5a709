"""How an output stands, as aligned text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beam_audio.command.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.output.status import Status

_AGES: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def status_table(status: Status) -> str:
    """How an output stands, as aligned text: the answer first, then what it follows from."""
    parts = (_answer(status), _writers(status), _remains(status), _ends(status), _failures(status))
    return "\n".join(f"{name:<12}{text}" for part in parts for name, text in part)


def _answer(status: Status) -> Iterator[tuple[str, str]]:
    yield "complete", "yes" if status.is_complete else "no"
    counts = ", ".join(f"{count} {outcome}" for outcome, count in status.inputs.items())
    yield "inputs", f"{sum(status.inputs.values())} committed" + (f": {counts}" if counts else "")


def _writers(status: Status) -> Iterator[tuple[str, str]]:
    writer = status.writer
    if writer is not None:
        state = "is at work" if writer.is_alive else "is dead; the same command does what is left"
        began, seen = _age(writer.began_seconds_ago), _age(writer.seen_seconds_ago)
        times = f"started by {writer.host} {began} ago, last sign of life {seen} ago"
        yield "writer", f"{writer.run_id} {state}: {times}"
    elif status.is_written_here:
        yield "writer", "a run of this machine is at work"
    else:
        unknown = "; streams of other machines leave no sign"
        yield "writer", "nobody" + (unknown if status.is_written_here is None else "")


def _remains(status: Status) -> Iterator[tuple[str, str]]:
    if status.left is None:
        yield "left", "not known: the inputs are not listed yet"
    else:
        yield "left", f"{status.left} inputs" if status.left else "nothing"
    if status.open_units:
        yield "", f"{status.open_units} units claimed and not committed"
    if status.half_done:
        parts = f"{status.saved_parts} parts of them are saved"
        yield "", f"{status.half_done} long recordings are half done: {parts}"
    if status.unpublished:
        yield "", f"{status.unpublished} units whose rows are not published"


def _ends(status: Status) -> Iterator[tuple[str, str]]:
    last = status.last_end
    if last is None:
        yield "last run", "none has ended"
        return
    balance = "balances" if last.balances else "DOES NOT BALANCE"
    waiting = f", {last.waiting} messages are not finished" if last.waiting else ""
    yield "last run", f"{last.name}: {balance}{waiting}, {_age(last.ended_seconds_ago)} ago"


def _failures(status: Status) -> Iterator[tuple[str, str]]:
    yield "failures", f"{status.failures}"
    last = status.last_failure
    if last is not None:
        ago = _age((datetime.now(UTC) - last.when).total_seconds())
        what = f"{last.error_type} while in {last.stage}, {ago} ago"
        yield "", printable(f"last: {what}: {last.uri}: {last.message}".partition("\n")[0])


def _age(seconds: float) -> str:
    """An age in its largest whole unit."""
    size, unit = next(((size, unit) for size, unit in _AGES if seconds >= size), _AGES[-1])
    return f"{max(0, int(seconds // size))} {unit}"
