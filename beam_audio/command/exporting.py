"""``beam-audio export``: its arguments, what it does, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from beam_audio.command.beam_flags import beam_flags
from beam_audio.command.unknown_words import refuse_unknown
from beam_audio.errors import ConfigError
from beam_audio.export.options import ExportOptions, FormatName

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from beam_audio.export.finish import Exported
    from beam_audio.export.totals import Totals

_LABEL_STUDIO: Final = "label-studio"
_FORMATS: Final = (*get_args(FormatName), _LABEL_STUDIO)
_FLAGS: Final = {
    "decision": "DECISION: keep, review or drop (default: keep; label-studio: review)",
    "where": "SQL: which segments, by a condition of DuckDB in place of the decision",
    "columns": "NAME,…: further columns, or keys of the metadata, of each segment",
    "text_column": "NAME: the column that gives the text (default: text)",
    "splits": "NAME:SHARE,…: splits, by a stable hash: train:0.98,dev:0.01,test:0.01",
    "by": "NAME: column or key whose equal values stay in one split (default: recording_id)",
    "codec": "CODEC: flac, opus or wav (default: flac; kaldi and coqui: wav)",
    "pack_seconds": "MIN,MAX: join neighbouring segments to clips of such a length",
    "buckets": "SECONDS,…: borders of durations; each stretch has a folder of its own",
    "shard_seconds": "SECONDS: audio in a shard (default: 3600)",
}
"""What may be left out: its value, and what it means."""
_CHOICES: Final = {"decision": ("keep", "review", "drop"), "codec": ("flac", "opus", "wav")}
_EXAMPLES: Final = """examples:
  beam-audio export out --format=nemo --output=train-data
  beam-audio export out --format=webdataset --output=shards --pack_seconds=20,30
  beam-audio export out --format=huggingface --output=dataset --by=speaker \\
      --splits=train:0.98,dev:0.01,test:0.01
  beam-audio export out --format=kaldi --output=kaldi --where="wer < 0.1 and language = 'en'"
  beam-audio export out --format=srt --output=subtitles
  beam-audio export out --format=label-studio --output=review

exit status: 0 every sample is exported or left out for a reason · 1 not so, or no audio was found ·
2 bad arguments, or nothing to export"""


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "export",
        export,
        "write segments in the shape that a trainer or another program reads",
        description="Writes segments with their text and audio to a folder.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("--format", choices=_FORMATS, required=True, help="what reads it")
    parser.add_argument(
        "--output", "--to", dest="target", required=True, metavar="DIR", help="the folder written"
    )
    for name, text in _FLAGS.items():
        metavar, _, told = text.partition(": ")
        parser.add_argument(f"--{name}", metavar=metavar, choices=_CHOICES.get(name), help=told)


def export(given: argparse.Namespace, rest: list[str]) -> int:
    """Write segments for another program."""
    own = {"--format", "--output", *(f"--{name}" for name in _FLAGS)}
    refuse_unknown(rest, own | beam_flags())
    if given.format == _LABEL_STUDIO:
        return _export_tasks(given)
    from beam_audio.run.exporting import export as write

    done = write(given.output, given.target, options_of(given), rest)
    print(table(done, given.target))
    totals = done.totals
    found_none = bool(totals.samples) and not totals.items
    return 1 if totals.unbalanced or found_none else 0


def options_of(given: argparse.Namespace) -> ExportOptions:
    """The options that the flags ask for.

    Raises:
        ConfigError: A value is not of its kind, or flags contradict each other.
    """
    if given.where is not None and given.decision is not None:
        raise ConfigError("give one of --where and --decision")
    pack = _numbers("pack_seconds", given.pack_seconds)
    if pack and len(pack) != len(("MIN", "MAX")):
        raise ConfigError(f"--pack_seconds={given.pack_seconds} must be MIN,MAX")
    shard_seconds = _numbers("shard_seconds", given.shard_seconds) or (3600.0,)
    return ExportOptions(
        given.format,
        decision=given.decision or "keep",
        where=given.where,
        columns=tuple(filter(None, (given.columns or "").split(","))),
        text_column=given.text_column or "text",
        splits=tuple(_splits(given.splits or "")),
        split_by=given.by or "recording_id",
        codec=given.codec,
        pack_seconds=(pack[0], pack[1]) if pack else None,
        buckets=_numbers("buckets", given.buckets),
        shard_seconds=shard_seconds[0],
    )


def table(done: Exported, target: str) -> str:
    """Items and hours by folder, what was left out and why, and whether all is accounted for."""
    totals = done.totals
    lines = [
        f"{sum(totals.items.values()):,} items of {sum(totals.seconds.values()) / 3600:,.2f} h "
        f"in {target}" + ("" if done.is_new else "; nothing was written")
    ]
    lines += [
        f"  {folder}: {count:,} items, {totals.seconds[folder] / 3600:,.2f} h"
        for folder, count in totals.items.items()
    ]
    hours = totals.hours
    lines += [f"{'hours in segments':<48}{sum(hours.values()):>12,.4f}"]
    lines += [f"  {fate:<46}{each:>12,.4f}" for fate, each in hours.items()]
    lines.append(_balance(totals))
    return "\n".join(lines)


def _balance(totals: Totals) -> str:
    if not totals.unbalanced:
        return "balance: every sample of a segment is exported or left out for one reason"
    missing = ", ".join(f"{count} at {rate} Hz" for rate, count in totals.unbalanced.items())
    return f"NOT BALANCED: recordings hold other samples than their segments: {missing}"


def _export_tasks(given: argparse.Namespace) -> int:
    """Write segments as tasks of Label Studio."""
    for name in _FLAGS.keys() - {"decision"}:
        if getattr(given, name) is not None:
            raise ConfigError(f"--format={_LABEL_STUDIO} does not take --{name}")
    from beam_audio.export.write import INTERFACE, TASKS
    from beam_audio.export.write import export as write

    done = write(given.output, given.target, given.decision or "review")
    print(
        f"{done.tasks} tasks in {given.target}/{TASKS}, {done.clips} of them with their audio "
        "beside"
    )
    if done.muted:
        print(f"{done.muted} clips are silent where words are redacted")
    for why, count in sorted(done.left_out.items()):
        print(f"{count} segments are left out: {why}")
    print(f"labelling interface in {given.target}/{INTERFACE}")
    return 0


def _splits(text: str) -> list[tuple[str, float]]:
    found = []
    for part in filter(None, text.split(",")):
        name, _, share = part.partition(":")
        found.append((name, _number("splits", share)))
    return found


def _numbers(flag: str, text: str | None) -> tuple[float, ...]:
    return tuple(_number(flag, part) for part in (text or "").split(",") if part)


def _number(flag: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"--{flag}: {text!r} is no number") from error
