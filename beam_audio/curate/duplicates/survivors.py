"""Which of the rows that are alike survives, and what the others say about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio.curate.duplicates.places import LEVELS, Level, Pair, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LEAST_COVERED: Final = 0.8
"""Share of a row that another one must hold, by sound, for the row to be its duplicate."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a row says about another one.

    Attributes:
        of: The id of the row that survives; of a test set, the address of its recording.
        by: In what they are alike.
        similarity: 1 is equal. By sound the share of equal bits, by text that of equal pieces.
    """

    of: str
    by: Level
    similarity: float


@dataclass(frozen=True, slots=True)
class Marked:
    """A row and its marks.

    Attributes:
        place: The row.
        duplicate: The row that it duplicates.
        test_overlap: What of a test set it holds.
    """

    place: Place
    duplicate: Mark | None = None
    test_overlap: Mark | None = None


def marks_of(pairs: Iterable[Pair]) -> list[Marked]:
    """Marks of all rows that have one, in a fixed order.

    Of rows that are alike, the first by :attr:`Place.rank` survives. A row that is alike to several
    names the one that is alike most surely, and of those the first; where that is a duplicate
    itself, what it duplicates.
    """
    own: list[Pair] = []
    marked: dict[str, Marked] = {}
    tests: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        first, second = pair.first, pair.second
        if first.is_test or second.is_test:
            pair = pair if second.is_test else pair.turned()
            tests[pair.first.row_id].append(pair)
        else:
            own.append(pair if first.rank < second.rank else pair.turned())
    for row_id, found in tests.items():
        best = min(found, key=lambda pair: (_sureness(pair), pair.second.source.uri))
        overlap = Mark(best.second.source.uri, best.level, best.likeness.similarity)
        marked[row_id] = Marked(best.first, test_overlap=overlap)
    for place, mark in _rooted(_duplicates(own)):
        before = marked.get(place.row_id, Marked(place))
        marked[place.row_id] = replace(before, duplicate=mark)
    return [marked[row_id] for row_id in sorted(marked)]


def _sureness(pair: Pair) -> tuple[int, float]:
    return LEVELS.index(pair.level), -pair.likeness.similarity


def _duplicates(pairs: Sequence[Pair]) -> Iterator[tuple[Place, Place, Mark]]:
    """Rows, the better-ranked row each is like, and the mark; unordered and not yet rooted."""
    held = list(_held(pairs))
    choices: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in [*held, *_recordings_by_sound(held)]:
        choices[pair.second.row_id].append(pair)
    for found in choices.values():
        best = min(found, key=lambda pair: (LEVELS.index(pair.level), pair.first.rank))
        mark = Mark(best.first.row_id, best.level, best.likeness.similarity)
        yield best.second, best.first, mark


def _held(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Pairs whose second row is held by the first row's recording; by sound, the longest piece."""
    by_sound: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.level == "sound":
            by_sound[pair.second.row_id, pair.first.source.recording_id].append(pair)
        else:
            yield pair
    for found in by_sound.values():
        second = found[0].second
        if _covered_seconds(found) >= LEAST_COVERED * second.seconds:
            yield max(found, key=lambda pair: (_seconds(pair), pair.first.row_id))


def _recordings_by_sound(held: Sequence[Pair]) -> Iterator[Pair]:
    """Pairs of recordings of which the first holds nearly all segments of the second."""
    segments: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in held:
        first, second = pair.first.source, pair.second.source
        if pair.level == "sound" and first.recording_id != second.recording_id:
            segments[first.recording_id, second.recording_id].append(pair)
    for found in segments.values():
        longest = max(found, key=lambda pair: (_seconds(pair), pair.first.row_id))
        held_seconds = sum(pair.second.seconds for pair in found)
        if held_seconds >= LEAST_COVERED * longest.second.source.segment_seconds:
            yield replace(
                longest, first=_recording(longest.first), second=_recording(longest.second)
            )


def _recording(segment: Place) -> Place:
    return replace(
        segment,
        row_id=segment.source.recording_id,
        table="recordings",
        start_seconds=0.0,
        end_seconds=segment.source.decoded_seconds,
    )


def _rooted(found: Iterable[tuple[Place, Place, Mark]]) -> Iterator[tuple[Place, Mark]]:
    """Each row with the mark of what survives at the end of its chain; ranks fall along it."""
    chains = {place.row_id: (place, other.row_id, mark) for place, other, mark in found}
    for place, root, mark in chains.values():
        while root in chains:
            root = chains[root][1]
        yield place, replace(mark, of=root)


def _seconds(pair: Pair) -> float:
    return pair.likeness.second.end_seconds - pair.likeness.second.start_seconds


def _covered_seconds(pairs: Sequence[Pair]) -> float:
    """Seconds of the second row that are in any of the pairs."""
    covered, reached = 0.0, 0.0
    for part in sorted(
        (pair.likeness.second for pair in pairs), key=lambda part: part.start_seconds
    ):
        covered += max(0.0, part.end_seconds - max(part.start_seconds, reached))
        reached = max(reached, part.end_seconds)
    return covered
