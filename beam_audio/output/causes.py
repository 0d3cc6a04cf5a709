"""Why inputs failed and why segments were not kept: what is asked first of a finished run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from beam_audio.output.valid_rows import valid_rows
from beam_audio.store.groups_on_disk import GroupsOnDisk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beam_audio.output.counted import Counted
    from beam_audio.types import Row

MOST_FAILED: Final = 10
"""How many failed inputs are named."""


@dataclass(frozen=True, slots=True, order=True)
class FailedInput:
    """An input without a recording, and why."""

    uri: str
    message: str
    error_type: str


@dataclass(frozen=True, slots=True)
class Causes:
    """Why a run has failures, and segments that were not kept.

    Attributes:
        failed: The first failed inputs by address, at most :data:`MOST_FAILED`.
        reasons: By decision, other than keep, the segments that each reason was given to.
    """

    failed: tuple[FailedInput, ...] = ()
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def read_causes(
    root: str,
    counted: Counted,
    undecoded: Collection[str],
    decisive: Collection[tuple[str, str]],
) -> Causes:
    """Read the causes from the rows of an output.

    Args:
        root: The output folder.
        counted: The units whose rows are read.
        undecoded: Source ids of inputs that have no recording.
        decisive: Pairs of decision and reason that count. A segment has the reasons of all rules
            that hold for it, those of milder decisions too; only the others decided.
    """
    failed = GroupsOnDisk[tuple[int, FailedInput]]()
    if undecoded:
        columns = ["source_id", "uri", "error_type", "message", "attempt"]
        rows = valid_rows(root, counted, "failures", columns)
        failed.add(
            (row["source_id"], (int(row["attempt"]), _failed(row)))
            for row in rows
            if row["source_id"] in undecoded
        )
    counts: dict[str, Counter[str]] = {decision: Counter() for decision, _ in sorted(decisive)}
    if decisive:
        for row in valid_rows(root, counted, "segments", ["source_id", "decision", "reasons"]):
            decision = row["decision"]
            given = [reason for reason in row["reasons"] if (decision, reason) in decisive]
            if given:
                counts[decision].update(given)
    last = (max(tries, key=itemgetter(0))[1] for tries in failed.groups())
    return Causes(tuple(nsmallest(MOST_FAILED, last)), counts)


def _failed(row: Row) -> FailedInput:
    return FailedInput(row["uri"], row["message"], row["error_type"])
