"""``beam-audio curate``: its arguments, what it does with them, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.command.beam_flags import beam_flags
from beam_audio.command.number_kinds import cosine
from beam_audio.command.unknown_words import refuse_unknown
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

_EXAMPLES: Final = """examples:
  beam-audio curate out --rules=strict               judge every segment by these rules
  beam-audio curate out --rules=mine.yaml --compare  what would move
  beam-audio curate out --compare=balanced-d2ddfcd7  what moved since these rules
  beam-audio curate out --restore=balanced-d2ddfcd7  put their decisions back
  beam-audio curate out --corrections=export.json    take what people corrected
  beam-audio curate out --duplicates                 mark rows that are like other rows
  beam-audio curate out --against=test.jsonl         mark rows that are in a test set
  beam-audio curate out --speakers                   who is heard in several recordings"""
_WITH_RULES: Final = ""
"""The value of ``--compare`` without rules to compare with: those of ``--rules`` are meant."""


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "curate",
        curate,
        "judge the segments of an output again, by other rules",
        description="Takes the rows of an output alone: no audio is opened, nothing recognised.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("--rules", metavar="RULES", help="strict, balanced, lenient, or a file")
    parser.add_argument(
        "--restore", metavar="RULES_ID", help="put back what these rules decided before"
    )
    parser.add_argument(
        "--compare",
        metavar="RULES_ID",
        nargs="?",
        const=_WITH_RULES,
        help="what moved since these rules; beside --rules: what would move. Writes nothing",
    )
    parser.add_argument(
        "--redact", choices=("pii",), help="put texts without personal data beside the texts"
    )
    parser.add_argument(
        "--corrections",
        metavar="FILE",
        help="first take what people corrected: an export of Label Studio, or JSON lines",
    )
    parser.add_argument(
        "--duplicates", action="store_true", help="first mark rows that are like other rows"
    )
    parser.add_argument(
        "--speakers",
        type=cosine,
        metavar="COSINE",
        nargs="?",
        const=0.5,
        help="find who is heard in several recordings: speakers whose embeddings are alike, their "
        "mean cosine being this at least (default: 0.5)",
    )
    parser.add_argument(
        "--against",
        metavar="MANIFEST|OUTPUT",
        help="first mark rows that are in this test set, by sound or by text",
    )


def curate(given: argparse.Namespace, rest: list[str]) -> int:
    """Judge the rows of an output again, or put earlier decisions back."""
    own = ("--rules", "--restore", "--compare", "--redact", "--duplicates", "--against")
    refuse_unknown(rest, {*beam_flags(), *own, "--corrections", "--speakers"})
    marks = given.duplicates or given.against is not None
    judges = (given.rules, given.restore, given.compare) != (None, None, None)
    others = marks or judges or given.corrections is not None
    if given.redact is not None:
        if others or given.speakers is not None:
            raise ConfigError("give --redact=pii alone")
        return _redact(given.output, rest)
    if given.speakers is not None:
        if others:
            raise ConfigError("give --speakers alone")
        return _name_speakers(given.output, given.speakers, rest)
    if given.corrections is not None:
        from beam_audio.command import correcting

        status = correcting.correct_and_report(given.output, given.corrections, rest)
        if status or not (marks or judges):
            return status
    if marks:
        from beam_audio.command import marking

        print(marking.mark(given.output, given.against, rest, duplicates=given.duplicates))
        if not judges:
            return 0
    return _judge(
        given.output,
        rules=given.rules,
        restored=given.restore,
        compared=given.compare,
        beam_flags=rest,
    )


def _judge(
    output: str,
    *,
    rules: str | None,
    restored: str | None,
    compared: str | None,
    beam_flags: Sequence[str],
) -> int:
    """Do what the flags of ``curate`` ask for, and print what moved; returns the exit status.

    Args:
        output: The output folder.
        rules: ``--rules``.
        restored: ``--restore``.
        compared: ``--compare``; :data:`_WITH_RULES` if it has no value.
        beam_flags: Flags of Beam.

    Raises:
        ConfigError: The flags contradict one another, or name what there is not.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    from beam_audio.command.movement_table import movement_table
    from beam_audio.quality.rules import load_rules
    from beam_audio.run import curation

    given = [rules is not None, restored is not None, bool(compared)]
    if sum(given) != 1 or (compared == _WITH_RULES and rules is None):
        raise ConfigError(
            "give one of --rules=PRESET|FILE, --restore=RULES_ID and --compare=RULES_ID; "
            "--compare beside --rules says what would move"
        )
    if rules is not None:
        dry_run = compared is not None
        done = curation.curate(output, load_rules(rules), beam_flags, dry_run=dry_run)
        verb = "would be judged" if dry_run else "judged"
        print(f"{verb} by {done.rules_id}")
    elif restored is not None:
        done = curation.restore(output, restored, beam_flags)
        print(f"put back what {done.rules_id} decided")
    else:
        done = curation.compare(output, compared or "", beam_flags)
        print(f"before: by {done.rules_id}; after: as it is now")
    print(movement_table(done.movement))
    return 1 if done.movement.units["lost"] else 0


def _redact(output: str, beam_flags: Sequence[str]) -> int:
    """Put texts without personal data beside the texts, and print what was found.

    Raises:
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    from beam_audio.run.curation import redact

    done = redact(output, beam_flags)
    print(f"{done.kinds.total():,} redacted in segments; {done.units['written']} units written")
    for kind, count in sorted(done.kinds.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {kind}: {count:,}")
    return 1 if done.units["lost"] else 0


def _name_speakers(output: str, threshold: float, beam_flags: Sequence[str]) -> int:
    """Find who is heard in several recordings, and print how many people that are.

    Raises:
        ConfigError: Nobody listened for speakers.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    from beam_audio.run.curation import name_speakers

    done = name_speakers(output, threshold, beam_flags)
    print(
        f"{done.people:,} people are the {done.speakers:,} speakers of recordings, at a mean "
        f"cosine of {threshold:g}; {done.units['written']} units written"
    )
    return 1 if done.units["lost"] else 0
