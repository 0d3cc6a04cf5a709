"""Which row survives, and what the others say."""

from __future__ import annotations

from itertools import permutations

import pytest

from beam_audio.curate.duplicates.places import Level, Likeness, Pair, Place, Source, Stretch
from beam_audio.curate.duplicates.survivors import Mark, Marked, marks_of


def recording(name: str, seconds: float = 10.0, unit_id: str = "unit", **facts: bool) -> Place:
    """A recording of segments of 5 s, named after it."""
    parts = tuple(
        (f"{name}{number}", Stretch(5.0 * number, 5.0 * number + 5.0))
        for number in range(int(seconds // 5))
    )
    return Place(
        name, "recordings", Source(name, f"/{name}.wav", seconds, parts, 16_000, **facts), unit_id
    )


def by_sound(first: Place, second: Place, seconds: float, later: float = 0.0) -> Pair:
    """The second recording, from its start, is in the first, which has it so much later."""
    piece = Stretch(0.0, seconds)
    return Pair("sound", first, second, Likeness(0.95, piece.moved(later), piece))


def exactly(level: Level, first: Place, second: Place) -> Pair:
    return Pair(level, first, second, Likeness(1.0))


def duplicates(*pairs: Pair) -> dict[str, tuple[str, str]]:
    found = {each.row_id: each.duplicate for each in marks_of(pairs)}
    return {row_id: (mark.of, mark.by) for row_id, mark in found.items() if mark}


def test_equal_bytes_mark_the_recording_and_its_segments() -> None:
    assert duplicates(exactly("bytes", recording("b"), recording("a"))) == {
        "b": ("a", "bytes"),
        "b0": ("a0", "bytes"),
        "b1": ("a1", "bytes"),
    }


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (recording("z", 15.0), recording("a", 10.0)),
        (recording("z", has_reference=True), recording("a", is_lossless=True)),
        (recording("z", is_lossless=True), recording("a")),
        (recording("a"), recording("z")),
    ],
    ids=["longer", "with a reference", "lossless", "smaller id"],
)
def test_the_better_recording_survives(better: Place, worse: Place) -> None:
    for pair in (by_sound(better, worse, 10.0), by_sound(worse, better, 10.0)):
        assert duplicates(pair)[worse.row_id] == (better.row_id, "sound")
        assert better.row_id not in duplicates(pair)


def test_a_copy_that_was_cut_names_the_segments_that_hold_its_own() -> None:
    found = duplicates(by_sound(recording("a", 20.0), recording("b", 10.0), 10.0, later=7.0))
    assert found["b"] == ("a", "sound")
    assert found["b0"][0] in {"a1", "a2"}
    assert found["b1"][0] in {"a2", "a3"}


def test_a_recording_with_one_piece_of_another_keeps_its_own_segments() -> None:
    assert duplicates(by_sound(recording("a", 30.0), recording("b", 20.0), 5.0)) == {
        "b0": ("a0", "sound")
    }


def test_the_longer_recording_is_no_duplicate_of_the_piece() -> None:
    assert "a" not in duplicates(by_sound(recording("a", 20.0), recording("b", 5.0), 5.0))


def test_the_surest_likeness_is_named() -> None:
    a, b = recording("a"), recording("b")
    assert duplicates(by_sound(a, b, 10.0), exactly("bytes", a, b))["b"] == ("a", "bytes")


def test_a_chain_ends_at_the_row_that_survives() -> None:
    a, b, c = recording("a"), recording("b"), recording("c")
    pairs = [by_sound(a, b, 10.0), exactly("samples", b, c)]
    for ordered in permutations(pairs):
        found = duplicates(*ordered)
        assert (found["b"][0], found["c"][0]) == ("a", "a")
        assert (found["b0"][0], found["c0"][0]) == ("a0", "a0")


def test_equal_words_mark_the_later_row() -> None:
    source = recording("a").source
    first, second = (
        Place(f"a{at}", "segments", source, "unit", Stretch(5.0 * at, 5.0 * at + 5))
        for at in (0, 1)
    )
    likeness = Likeness(0.9)
    assert duplicates(Pair("text", second, first, likeness)) == {"a1": ("a0", "text")}


def test_what_a_test_set_holds_is_marked_and_stays_no_duplicate() -> None:
    test = recording("t", unit_id="")
    (first, second) = marks_of([by_sound(recording("a"), test, 5.0, later=5.0)])
    overlap = Mark("/t.wav", "sound", 0.95)
    assert first == Marked("a", "unit", test_overlap=overlap)
    assert second == Marked("a1", "unit", test_overlap=overlap)
