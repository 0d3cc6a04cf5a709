"""``beam-audio curate``: what it does with its flags, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.quality.rules import load_rules
from beam_audio.quality.ruleset import DECISIONS
from beam_audio.run.curation import compare, curate, name_speakers, redact, restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.curate.movement import Movement
    from beam_audio.run.curation import Curated

WITH_RULES: Final = ""
"""The value of ``--compare`` without rules to compare with: those of ``--rules`` are meant."""


def curate_and_report(
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
        compared: ``--compare``; :data:`WITH_RULES` if it has no value.
        beam_flags: Flags of Beam.

    Raises:
        ConfigError: The flags contradict one another, or name what there is not.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    given = [rules is not None, restored is not None, bool(compared)]
    if sum(given) != 1 or (compared == WITH_RULES and rules is None):
        raise ConfigError(
            "give one of --rules=PRESET|FILE, --restore=RULES_ID and --compare=RULES_ID; "
            "--compare beside --rules says what would move"
        )
    if rules is not None:
        dry_run = compared is not None
        done = curate(output, load_rules(rules), beam_flags, dry_run=dry_run)
        verb = "would be judged" if dry_run else "judged"
        print(f"{verb} by {done.rules_id}")
    elif restored is not None:
        done = restore(output, restored, beam_flags)
        print(f"put back what {done.rules_id} decided")
    else:
        done = compare(output, compared or "", beam_flags)
        print(f"before: by {done.rules_id}; after: as it is now")
    print(table(done))
    return 1 if done.movement.units["lost"] else 0


def redact_and_report(output: str, beam_flags: Sequence[str]) -> int:
    """Put texts without personal data beside the texts, and print what was found.

    Raises:
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    done = redact(output, beam_flags)
    print(f"{done.kinds.total():,} redacted in segments; {done.units['written']} units written")
    for kind, count in sorted(done.kinds.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {kind}: {count:,}")
    return 1 if done.units["lost"] else 0


def name_and_report(output: str, threshold: float, beam_flags: Sequence[str]) -> int:
    """Find who is heard in several recordings, and print how many people that are.

    Raises:
        ConfigError: Nobody listened for speakers.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    done = name_speakers(output, threshold, beam_flags)
    print(
        f"{done.people:,} people are the {done.speakers:,} speakers of recordings, at a mean "
        f"cosine of {threshold:g}; {done.units['written']} units written"
    )
    return 1 if done.units["lost"] else 0


def table(done: Curated) -> str:
    """What moved, hours before and after, and the error rate of what is kept."""
    moved = done.movement
    total = sum(moved.segments.values())
    lines = [f"{total:,} segments, {moved.moved:,} moved", *_hours(moved), *_wer(moved)]
    for key, count in sorted(moved.segments.items(), key=lambda item: (-item[1], item[0])):
        before, after = key.split(">")
        if before != after:
            hours = moved.seconds[key] / 3600
            lines.append(f"  {before} to {after}: {count:,} segments, {hours:,.2f} h")
    lines += [
        f"  {'more' if name[0] == '+' else 'fewer'} for {name[1:]}: {count:,}"
        for name, count in sorted(moved.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    if moved.undecided:
        lines.append(f"{moved.undecided:,} segments have no such decision, and keep theirs")
    if moved.units:
        lines.append(
            ", ".join(f"{moved.units[name]:,} units {name}" for name in sorted(moved.units))
        )
    if moved.units["lost"]:
        lines.append("another writer was faster for the units that are lost; run it again")
    return "\n".join(lines)


def _hours(moved: Movement) -> list[str]:
    return [
        f"  {decision}: {moved.hours(decision, after=False):,.2f} h before, "
        f"{moved.hours(decision, after=True):,.2f} h after"
        for decision in DECISIONS
    ]


def _wer(moved: Movement) -> list[str]:
    rates = [moved.kept_wer(after=after) for after in (False, True)]
    if rates == [None, None]:
        return []
    before, after = ("none" if rate is None else f"{100 * rate:.2f} %" for rate in rates)
    return [f"  WER of what is kept: {before} before, {after} after"]
