"""Batches lose nothing, stay within their budget and hold little padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from beam_audio.unit.batching import BatchCounts, batches

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTHS = st.lists(st.floats(0.1, 40.0), max_size=60)


def identity(value: float) -> float:
    return value


@given(LENGTHS, st.floats(1.0, 200.0))
def test_every_item_comes_once_within_the_budget(lengths: list[float], budget: float) -> None:
    out = list(batches(lengths, seconds=identity, cost=identity, budget_seconds=budget))
    assert sorted(item for batch in out for item in batch) == sorted(lengths)
    for batch in out:
        assert len(batch) == 1 or len(batch) * max(batch) <= budget * (1 + 1e-9)


def test_a_large_budget_is_reached_in_four_batches() -> None:
    out = batches([10.0] * 400, seconds=identity, cost=identity, budget_seconds=960.0)
    assert [sum(next(out)) for _ in range(5)] == [120.0, 240.0, 480.0, 960.0, 960.0]


@given(LENGTHS, st.floats(1.0, 100.0))
def test_held_items_are_bounded(lengths: list[float], budget: float) -> None:
    taken = 0.0
    given_back = 0.0

    def feed() -> Iterator[float]:
        nonlocal taken
        for length in lengths:
            assert taken - given_back <= 2 * budget + 40.0 + 1e-6
            taken += length
            yield length

    for batch in batches(feed(), seconds=identity, cost=identity, budget_seconds=budget):
        given_back += sum(batch)


def test_all_items_before_a_break_leave_before_it() -> None:
    lengths = [5.0, 1.0, 6.0, 30.0, 5.0, 1.0]
    found = batches(
        lengths, seconds=identity, cost=identity, budget_seconds=10.0, is_break=(30.0).__eq__
    )
    assert list(found) == [[6.0], [5.0, 1.0], [30.0], [5.0, 1.0]]


def test_batches_hold_items_of_similar_length() -> None:
    lengths = [1.0, 9.0] * 20
    out = list(batches(lengths, seconds=identity, cost=identity, budget_seconds=45.0))
    padded = sum(len(batch) * max(batch) for batch in out)
    assert padded / sum(lengths) < 1.2


def test_work_begins_long_before_two_budgets_have_come() -> None:
    taken: list[float] = []

    def feed() -> Iterator[float]:
        for _ in range(200):
            taken.append(10.0)
            yield 10.0

    out = batches(feed(), seconds=identity, cost=identity, budget_seconds=240.0)
    sizes = [sum(next(out))]
    assert sum(taken) <= 60.0
    sizes += [sum(batch) for batch in out]
    assert sizes[:4] == [30.0, 60.0, 120.0, 240.0]
    assert max(sizes) == 240.0


def test_batches_are_counted_with_what_they_were_padded_to() -> None:
    counts = BatchCounts()
    counts = counts.plus([1.0, 2.5], padded_seconds=5.0, budget_seconds=6.0)
    counts = counts.plus([3.0], padded_seconds=3.0, budget_seconds=6.0)
    assert counts == BatchCounts(2, 3, 6.5, 8.0, 12.0)
