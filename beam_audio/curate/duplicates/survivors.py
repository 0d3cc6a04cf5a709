"""Which of the rows that are alike survives, and what the others say about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio.curate.duplicates.places import LEVELS, Level, Pair, Place, Source, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LEAST_COVERED: Final = 0.8
"""Share of a row that another recording must hold, by sound, for the row to be its duplicate."""

_EDGE_SECONDS: Final = 0.4
"""A fingerprint says nothing about so much of each end of a segment."""


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

    @property
    def sureness(self) -> tuple[int, float, str]:
        """Orders marks; the surest is the smallest."""
        return LEVELS.index(self.by), -self.similarity, self.of


@dataclass(frozen=True, slots=True)
class Marked:
    """A row and its marks.

    Attributes:
        row_id: The row.
        unit_id: Its unit.
        duplicate: The row that it duplicates.
        test_overlap: What of a test set it holds.
    """

    row_id: str
    unit_id: str
    duplicate: Mark | None = None
    test_overlap: Mark | None = None


def marks_of(pairs: Iterable[Pair]) -> list[Marked]:
    """Marks of all rows that have one, in a fixed order.

    Of rows that are alike, the first by :attr:`Place.rank` survives. A row that is like several
    names the first of them; where that is a duplicate itself, what it duplicates. Those with the
    same words count only where none has the same sound.
    """
    own: list[Pair] = []
    marked: dict[str, Marked] = {}
    tests: defaultdict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.first.is_test or pair.second.is_test:
            ours_second = pair if pair.first.is_test else pair.turned()
            tests[ours_second.second.row_id].append(ours_second)
        else:
            own.append(pair if pair.first.rank < pair.second.rank else pair.turned())
    for found in tests.values():
        for row_id, unit_id, mark in _overlaps(found):
            before = marked.get(row_id, Marked(row_id, unit_id)).test_overlap
            best = min((each for each in (before, mark) if each), key=lambda each: each.sureness)
            marked[row_id] = Marked(row_id, unit_id, test_overlap=best)
    for row_id, unit_id, mark in _rooted(_duplicates(own)):
        marked[row_id] = replace(marked.get(row_id, Marked(row_id, unit_id)), duplicate=mark)
    return [marked[row_id] for row_id in sorted(marked)]


_Found = tuple[str, str, Mark]
"""A row, its unit, and a mark of it."""


def _overlaps(pairs: Sequence[Pair]) -> Iterator[_Found]:
    """Marks of one of our rows, and of its segments, about what is in the test set."""
    for pair in pairs:
        place = pair.second
        mark = Mark(pair.first.source.uri, pair.level, pair.likeness.similarity)
        yield place.row_id, place.unit_id, mark
        if place.table == "segments":
            yield place.source.recording_id, place.unit_id, mark
            continue
        whole = pair.likeness.second
        for segment_id, stretch in place.source.segments:
            if whole is None or stretch.shared_seconds(whole) >= min(1.0, stretch.seconds / 2):
                yield segment_id, place.unit_id, mark


def _duplicates(pairs: Sequence[Pair]) -> list[_Found]:
    """The best mark of each row that is like a better one; not yet rooted."""
    by_sound: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    choices: defaultdict[str, list[tuple[bool, tuple[object, ...], _Found]]] = defaultdict(list)
    found: list[tuple[Pair, _Found]] = []
    for pair in pairs:
        if pair.level == "text":
            found.append((pair, _mark(pair.second, pair.second.row_id, pair.first.row_id, pair)))
        else:
            by_sound[pair.first.row_id, pair.second.row_id].append(pair)
    for same in by_sound.values():
        best = min(same, key=_sureness)
        found += [(best, each) for each in _of_recordings(best, same)]
    for pair, each in found:
        choices[each[0]].append((pair.level == "text", pair.first.rank, each))
    return [min(each, key=lambda choice: choice[:2])[2] for each in choices.values()]


def _of_recordings(best: Pair, pairs: Sequence[Pair]) -> Iterator[_Found]:
    """Marks of a recording and its segments about another recording that holds them."""
    first, second = best.first, best.second
    is_whole = best.likeness.second is None
    held_seconds = 0.0
    for segment_id, stretch in second.source.segments:
        covered = stretch.seconds if is_whole else _covered_seconds(stretch, pairs)
        held_seconds += covered
        twin = _twin(stretch, first.source, pairs)
        if twin is not None and covered >= LEAST_COVERED * stretch.seconds:
            yield _mark(second, segment_id, twin, best)
    all_seconds = sum(stretch.seconds for _, stretch in second.source.segments)
    if is_whole or held_seconds >= LEAST_COVERED * all_seconds:
        yield _mark(second, second.row_id, first.row_id, best)


def _covered_seconds(stretch: Stretch, pairs: Sequence[Pair]) -> float:
    """Seconds of a stretch of the second recording that the first one holds."""
    covered, reached = 0.0, stretch.start_seconds
    held = (pair.likeness.second for pair in pairs if pair.likeness.second)
    for part in sorted(held, key=lambda part: part.start_seconds):
        start = max(reached, part.start_seconds - _EDGE_SECONDS)
        end = min(stretch.end_seconds, part.end_seconds + _EDGE_SECONDS)
        covered += max(0.0, end - start)
        reached = max(reached, end)
    return covered


def _twin(stretch: Stretch, first: Source, pairs: Sequence[Pair]) -> str | None:
    """The segment of the first recording that shares most time with a stretch of the second."""
    shared = []
    for pair in pairs:
        ours, theirs = pair.likeness.second, pair.likeness.first
        later = theirs.start_seconds - ours.start_seconds if ours and theirs else 0.0
        for segment_id, other in first.segments:
            shared.append((other.shared_seconds(stretch.moved(later)), segment_id))
    seconds, segment_id = max(shared, default=(0.0, ""))
    return segment_id if seconds > 0.0 else None


def _rooted(found: Sequence[_Found]) -> Iterator[_Found]:
    """Each mark with what survives at the end of its chain; ranks fall along it."""
    roots = {row_id: mark.of for row_id, _, mark in found}
    for row_id, unit_id, mark in found:
        root = mark.of
        while root in roots:
            root = roots[root]
        yield row_id, unit_id, replace(mark, of=root)


def _mark(place: Place, row_id: str, other_id: str, pair: Pair) -> _Found:
    return row_id, place.unit_id, Mark(other_id, pair.level, pair.likeness.similarity)


def _sureness(pair: Pair) -> tuple[int, float]:
    return LEVELS.index(pair.level), -pair.likeness.similarity
