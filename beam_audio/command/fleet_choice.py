"""How many workers, how large units and parts: the cheapest that end in time, on paper."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from beam_audio.command.fleet import Fleet, Outcome, simulate
from beam_audio.command.fleet_work import NO_LENGTHS, Cut, Pace, seconds_of_work
from beam_audio.errors import ConfigError
from beam_audio.unit.share import FEWEST_PARTS

if TYPE_CHECKING:
    from beam_audio.command.fleet_work import Recordings

_HOUR_SECONDS: Final = 3600.0
_MEBIBYTE: Final = 1 << 20
UNIT_MEBIBYTES: Final = (4, 8, 16, 32, 64, 128, 256)
PART_MINUTES: Final = (15, 5)
"""The usual first; others are tried if a recording is long enough to be shared then."""
_GROWTH: Final = 1.15
"""A fleet that ends too late grows by this factor until it does not."""
_NEXT_TO_NOTHING: Final = 0.03
_MOST_WORKERS: Final = 4000
"""Most workers of one Dataflow job, by Google's documentation of its quotas."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Sizes of units and parts, a fleet, and how the job went."""

    unit_mebibytes: int
    part_minutes: int
    pieces: int
    fleet: Fleet
    outcome: Outcome

    def cost(self, price: float) -> float:
        """What the job costs at a price per worker and hour."""
        return self.outcome.worker_seconds / _HOUR_SECONDS * price


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker to choose a number of.

    Attributes:
        times_real_time: Its speed, with all hands full.
        units_at_a_time: Its hands.
        price: What it costs per hour.
        start_seconds: From asking for it to its first unit; None for the usual.
        preemptions_per_hour: How often it is taken away; None for the usual.
    """

    times_real_time: float
    units_at_a_time: int
    price: float
    start_seconds: float | None = None
    preemptions_per_hour: float | None = None

    def fleet(self) -> Fleet:
        """A fleet of one such worker."""
        usual, start, rate = _table(), self.start_seconds, self.preemptions_per_hour
        return Fleet(
            max_workers=1,
            units_at_a_time=self.units_at_a_time,
            start_seconds=usual["start_seconds"] if start is None else start,
            scale_seconds=usual["scale_seconds"],
            preemptions_per_hour=usual["preemptions_per_hour"] if rate is None else rate,
            slow_share=usual["slow_share"],
            slow_factor=usual["slow_factor"],
        )


def simulated(recordings: Recordings, worker: Worker, deadline_hours: float) -> str:
    """What the job takes by size of units, the flags of the best, and what is assumed.

    Raises:
        ConfigError: No recording has a length, no fleet ends in time, or none ever.
    """
    if not recordings.seconds.any():
        raise ConfigError(NO_LENGTHS)
    fleet, usual = worker.fleet(), _table()
    speed = worker.times_real_time / fleet.units_at_a_time
    pace = Pace(speed, usual["unit_seconds"], usual["decode_seconds"])
    found = choices(recordings, fleet, pace, deadline_hours=deadline_hours)
    hours = recordings.seconds.sum() / _HOUR_SECONDS
    return (
        f"simulated: {len(recordings.seconds):,} recordings of {hours:,.2f} h, until all is "
        f"committed\n{fleet_table(found, price=worker.price)}\n"
        f"assumed: {fleet.units_at_a_time} units at a time, {fleet.start_seconds:g} s to start, "
        f"{pace.unit_seconds:g} s a unit or saved part beside its audio, "
        f"{fleet.preemptions_per_hour:g} preemptions an hour of a worker, "
        f"{fleet.slow_share:.0%} of workers {fleet.slow_factor:g} times as slow ({usual['from']})"
    )


def choices(
    recordings: Recordings, fleet: Fleet, pace: Pace, *, deadline_hours: float
) -> list[Choice]:
    """For each size of units the smallest fleet that ends in time, if any does.

    Args:
        recordings: What is transcribed.
        fleet: What workers are like; their number is chosen.
        pace: Speed of one hand of a worker, with all its hands full.
        deadline_hours: Hours until the last commit, starting workers included.

    Raises:
        ConfigError: No fleet ends in time, or none ever.
    """
    found = []
    longest = float(recordings.seconds.max())
    shared = [each for each in PART_MINUTES[1:] if longest >= 2 * FEWEST_PARTS * 60 * each]
    for mebibytes in UNIT_MEBIBYTES:
        tried = [
            _smallest(recordings, (mebibytes, minutes), pace, fleet, deadline_hours * _HOUR_SECONDS)
            for minutes in (PART_MINUTES[0], *shared)
        ]
        in_time = [each for each in tried if each is not None]
        if in_time:
            found.append(min(in_time, key=lambda each: each.outcome.worker_seconds))
    if not found:
        hours = longest / pace.times_real_time / _HOUR_SECONDS
        raise ConfigError(
            f"--deadline_hours={deadline_hours:g} cannot be kept by {_MOST_WORKERS:,} workers or "
            f"less: starting takes {fleet.start_seconds / 60:.0f} min and the longest recording "
            f"{hours:.2f} h in one hand; give more time"
        )
    return found


def _smallest(
    recordings: Recordings,
    sizes: tuple[int, int],
    pace: Pace,
    fleet: Fleet,
    deadline_seconds: float,
) -> Choice | None:
    """The smallest fleet that ends in time, with units and parts of these MiB and minutes."""
    mebibytes, minutes = sizes
    cut = Cut(mebibytes * _MEBIBYTE, 60.0 * minutes)
    hands_seconds = float(seconds_of_work(recordings, cut, pace).sum()) / fleet.units_at_a_time
    workers = max(1, math.ceil(hands_seconds / deadline_seconds))
    while workers <= _MOST_WORKERS:
        work = seconds_of_work(recordings, cut, pace, workers)
        tried = replace(fleet, max_workers=workers)
        try:
            outcome = simulate(work, tried)
        except ValueError as error:
            raise ConfigError(f"no fleet ends: {error}") from error
        if outcome.seconds <= deadline_seconds:
            return Choice(mebibytes, minutes, len(work), tried, outcome)
        if workers >= len(work):
            return None  # more would find nothing to do
        workers = math.ceil(workers * _GROWTH)
    return None


def recommended(found: list[Choice]) -> Choice:
    """The smallest units that cost next to nothing more than the cheapest.

    Small units commit sooner, and repeat less after a fault.
    """
    least = min(each.outcome.worker_seconds for each in found)
    cheap = [
        each for each in found if each.outcome.worker_seconds <= least * (1 + _NEXT_TO_NOTHING)
    ]
    return min(cheap, key=lambda each: each.unit_mebibytes)


def fleet_table(found: list[Choice], *, price: float) -> str:
    """The choices as aligned text, and the flags of the best of them."""
    best = recommended(found)
    job = ("unit_bytes", "part_minutes", "pieces", "workers")
    head = (*job, "done in", "cost", "idle", "taken away")
    rows = [
        (
            f"{each.unit_mebibytes} MiB",
            f"{each.part_minutes}",
            f"{each.pieces:,}",
            f"{each.fleet.max_workers:,}",
            f"{each.outcome.seconds / _HOUR_SECONDS:,.2f} h",
            f"{each.cost(price):,.2f}",
            f"{each.outcome.idle_share:.0%}",
            f"{each.outcome.preemptions:,}",
        )
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    advice = (
        f"--unit_bytes={best.unit_mebibytes * _MEBIBYTE} --max_num_workers={best.fleet.max_workers}"
    )
    if best.part_minutes != PART_MINUTES[0]:
        advice += f" --part_minutes={best.part_minutes}"
    lines.append(f"recommended: {advice}")
    return "\n".join(lines)


def _table() -> dict[str, Any]:
    file = resources.files("beam_audio").joinpath("data/fleet.json")
    table: dict[str, Any] = json.loads(file.read_bytes())
    return table
