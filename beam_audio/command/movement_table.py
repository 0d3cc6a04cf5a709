"""What a verb that judges again prints: how many segments moved, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.quality.ruleset import DECISIONS

if TYPE_CHECKING:
    from beam_audio.curate.movement import Movement


def movement_table(moved: Movement) -> str:
    """What moved, hours before and after, and the error rate of what is kept."""
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
