"""``beam-audio cut``: its arguments, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.command.unknown_words import refuse_unknown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_KINDS: Final = {
    "read": "read, in {target}/clips.jsonl",
    "misread": "misread",
    "not_read": "not read",
    "added": "added by the reader",
}


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "cut",
        cut,
        "cut recordings with a long text into clips of one sentence",
        description="Writes a manifest of clips, and what reader and text differ in. No audio is "
        "opened.",
        epilog="example:\n  beam-audio cut book --output=sentences",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--output", dest="target", required=True, metavar="DIR", help="the folder that is written"
    )


def cut(given: argparse.Namespace, rest: list[str]) -> int:
    """Cut recordings at the sentences of their texts."""
    refuse_unknown(rest, ["--output"])
    from beam_audio.export.sentence_clips import DIFFERENCES, cut_out

    done = cut_out(given.output, given.target)
    print(f"{done.recordings:,} recordings, {done.clip_seconds / 3600:,.2f} h in clips")
    for kind, text in _KINDS.items():
        print(f"{done.sentences[kind]:>9,} {text.format(target=given.target)}")
    for why, count in sorted(done.left_out.items()):
        print(f"{count:,} recordings {why}")
    print(f"what differs is in {given.target}/{DIFFERENCES}")
    return 0
