"""The closing table: the account of a run as aligned text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.run.stage_table import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beam_audio.run.run_file import RunResult

_HOUR_SECONDS: Final = 3600.0
_MOST_REASONS: Final = 3
_MOST_NAMED: Final = 10
_MOST_CHARACTERS: Final = 160


def closing_table(result: RunResult) -> str:
    """The account of a run as aligned text."""
    parts = (_inputs, _failures, _quality, _stages, _balance)
    return "\n".join(line for part in parts for line in part(result))


def _inputs(result: RunResult) -> Iterator[str]:
    """Inputs and what became of their seconds."""
    ledger = result.ledger
    yield _line("inputs", f"{ledger.inputs}", _duplicates(result))
    if result.left_out:
        yield _line("left out", "", result.left_out)
    if result.forgotten:
        yield _line("forgotten", f"{result.forgotten}", "not opened, or dropped once opened")
    yield _line(
        "recordings", f"{ledger.recordings}", f"{shown_seconds(ledger.decoded_seconds)} decoded"
    )
    if differing := ledger.reasons.get("channels_differ"):
        cure = "with speech in both channels at once: --channels=split keeps it apart"
        yield _line("  mixed", f"{differing}", cure)
    for decision, count in ledger.segments.items():
        remark = f"{shown_seconds(ledger.seconds[decision])} in segments"
        why = _most(result.causes.reasons.get(decision, {}))
        yield _line(f"  {decision}", f"{count}", f"{remark}: {why}" if why else remark)
    for name, what in (("failed", "not recognised"), ("skipped", "without speech")):
        yield _line(f"  {name}", "", f"{shown_seconds(ledger.seconds[name])} {what}")


def _failures(result: RunResult) -> Iterator[str]:
    """Failures by kind, and the first inputs that failed."""
    ledger, failed = result.ledger, result.causes.failed
    yield _line("failures", f"{sum(ledger.failures.values())}")
    for (unit, stage, error_type), count in ledger.failures.items():
        yield _line(f"  {unit}", f"{count}", f"{error_type} while in {stage}")
    for each in failed:
        yield f"  failed: {printable(each.uri)}: {printable(_shortened(each.message))}"
    more = len(ledger.undecoded) - len(ledger.missing) - len(failed)
    if more > 0:
        yield f"  … and {more} more in failures/"


def _quality(result: RunResult) -> Iterator[str]:
    ledger = result.ledger
    if ledger.corpus_wer is not None:
        words = f"over {ledger.wer_words} reference words"
        yield _line("corpus WER", f"{ledger.corpus_wer:.1%}", words)
    if result.times_real_time is None:
        yield _line("speed", "-", _why_idle(result))
    else:
        took = f"× real time, {result.wall_seconds:.1f} s on {', '.join(result.providers)}"
        yield _line("speed", f"{result.times_real_time:.1f}", took)


def _stages(result: RunResult) -> Iterator[str]:
    """Who waited for whom; nothing if no unit was done."""
    stages = result.stages
    if stages.seconds:
        host = [(name, stages.seconds.get(name, 0.0)) for name in STAGES if name != "recognise"]
        figure = shown_seconds(sum(took for _, took in host))
        yield _line("host", figure, ", ".join(f"{name} {took:.1f}" for name, took in host))
    if stages.busy_share is not None:
        waits = {
            "audio": stages.seconds["wait_for_audio"],
            "the recogniser": stages.seconds["wait_for_recogniser"],
        }
        yield _line(
            "recogniser",
            f"{stages.busy_share:.0%} busy",
            f"{shown_seconds(stages.seconds['device_idle'])} idle between batches; waited "
            + ", ".join(f"{took:.1f} s for {name}" for name, took in waits.items()),
        )
    if stages.filled_share is not None and stages.padding_share is not None:
        remark = f"{stages.filled_share:.0%} full, {stages.padding_share:.0%} padding"
        yield _line("batches", f"{stages.batches['batches']:.0f}", remark)


def _balance(result: RunResult) -> Iterator[str]:
    ledger = result.ledger
    yield _line("ledger", "balances" if ledger.balances else "DOES NOT BALANCE")
    yield from (f"  missing: {source_id}" for source_id in ledger.missing[:_MOST_NAMED])
    yield from (f"  unbalanced: {name}" for name in ledger.unbalanced[:_MOST_NAMED])


def _why_idle(result: RunResult) -> str:
    """Why not a second was decoded."""
    tried = result.new_inputs + result.done_again
    if tried and tried == result.new_undecoded + result.failed_again:
        return "nothing could be decoded"
    return "no audio had to be decoded" if tried else "nothing new to do"


def _most(counts: Mapping[str, int]) -> str:
    """The reasons given most often."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{reason} {count}" for reason, count in ordered[:_MOST_REASONS]]
    return ", ".join([*named, "…"] if len(ordered) > _MOST_REASONS else named)


def _shortened(message: str) -> str:
    """The first line of a message, cut where it is long."""
    line = message.strip().partition("\n")[0]
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}…"


def printable(text: str) -> str:
    """A text whose line ends and terminal codes are written out: names of files may hold any."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _line(name: str, figure: str, remark: str = "") -> str:
    return f"{name:<12}{figure:>10}  {remark}".rstrip()


def shown_seconds(seconds: float) -> str:
    """A length of audio: in hours from one hour on."""
    return f"{seconds / _HOUR_SECONDS:.2f} h" if seconds >= _HOUR_SECONDS else f"{seconds:.1f} s"


def _duplicates(result: RunResult) -> str:
    repeated = result.listed - result.ledger.inputs
    again = result.done_again
    known = result.ledger.inputs - result.new_inputs - again - result.forgotten
    remarks = ((repeated, "listed twice"), (known, "done before"), (again, "done again"))
    return ", ".join(f"{count} {what}" for count, what in remarks if count > 0)
