"""Work at the same time: results in order, no more of it than wanted, errors where they belong."""

from __future__ import annotations

import threading

import pytest

from beam_audio.unit.in_flight import in_flight


@pytest.mark.parametrize("most", [1, 2, 3])
def test_results_come_in_order_with_their_items(most: int) -> None:
    assert list(in_flight(range(7), str, most)) == [(each, str(each)) for each in range(7)]


def test_two_pieces_of_work_meet() -> None:
    both = threading.Barrier(2, timeout=30.0)
    assert len(list(in_flight(range(4), lambda _: both.wait(), 2))) == 4


def test_no_more_is_begun_than_wanted() -> None:
    lock, begun = threading.Lock(), 0

    def work(_: int) -> None:
        nonlocal begun
        with lock:
            begun += 1

    for read, _ in enumerate(in_flight(range(20), work, 2)):
        assert begun - read <= 2


@pytest.mark.parametrize("most", [1, 2])
def test_an_error_comes_after_the_results_before_it(most: int) -> None:
    def halve(number: int) -> int:
        if number == 2:
            raise ValueError("odd one")
        return number // 2

    results = in_flight(range(5), halve, most)
    assert [next(results), next(results)] == [(0, 0), (1, 0)]
    with pytest.raises(ValueError, match="odd one"):
        next(results)
