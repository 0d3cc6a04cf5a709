"""Turns of speakers: who speaks most, how often they change, and who says a word."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.types import Voice

_TIME_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """Somebody speaks, in seconds of the recording; ``speaker`` is None where nobody knows who."""

    start_seconds: float
    end_seconds: float
    speaker: str | None


def turns_of(voices: Iterable[Voice]) -> list[Turn]:
    """The turns of voices in order of time; those of one speaker that touch are one."""
    by_speaker: defaultdict[str | None, list[tuple[float, float]]] = defaultdict(list)
    for voice in voices:
        by_speaker[voice.speaker] += voice.turns
    found = [
        Turn(start, end, speaker)
        for speaker, spans in by_speaker.items()
        for start, end in _joined(sorted(spans))
    ]
    return sorted(found, key=lambda it: (it.start_seconds, it.end_seconds, it.speaker or ""))


def main_speaker(turns: Iterable[Turn]) -> str | None:
    """Who speaks longest; None if nobody does that is known."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for turn in turns:
        if turn.speaker is not None:
            seconds[turn.speaker] += turn.end_seconds - turn.start_seconds
    return max(seconds, key=lambda name: (round(seconds[name], _TIME_DECIMALS), name), default=None)


def changes(turns: Sequence[Turn]) -> int:
    """How often the next turn is another speaker's."""
    return sum(before.speaker != after.speaker for before, after in pairwise(turns))


def overlap_seconds(turns: Iterable[Turn]) -> float:
    """For how long more than one speaks."""
    edges = [(turn.start_seconds, 1) for turn in turns] + [(turn.end_seconds, -1) for turn in turns]
    total, speaking = 0.0, 0
    for (at, step), (after, _) in pairwise(sorted(edges)):
        speaking += step
        total += (after - at) * (speaking > 1)
    return round(total, _TIME_DECIMALS)


def speaker_between(turns: Sequence[Turn], start_seconds: float, end_seconds: float) -> str | None:
    """Who speaks most between two times, or else next to them; None if nobody speaks at all.

    Of two who speak all of the time, the one whose turn is shorter is meant: they break in.
    """

    def nearness(turn: Turn) -> tuple[float, float, float, str]:
        shared = min(end_seconds, turn.end_seconds) - max(start_seconds, turn.start_seconds)
        # A gap is negative; a word without length shares nothing with the turn it is in.
        length = turn.end_seconds - turn.start_seconds
        return round(shared, _TIME_DECIMALS), -length, -turn.start_seconds, turn.speaker or ""

    return max(turns, key=nearness).speaker if turns else None


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
