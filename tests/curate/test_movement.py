"""What moved between two sets of decisions."""

from __future__ import annotations

import pyarrow as pa

from beam_audio.curate.movement import Movement, movement

ROWS = pa.table(
    {
        "core_start_seconds": [0.0, 0.0, 0.0],
        "core_end_seconds": [3600.0, 1800.0, 900.0],
        "decision": ["keep", "keep", "drop"],
        "reasons": [["a"], [], ["b"]],
        "wer_hits": pa.array([8, 10, None], pa.int64()),
        "wer_substitutions": pa.array([1, 0, None], pa.int64()),
        "wer_deletions": pa.array([1, 0, None], pa.int64()),
        "wer_insertions": pa.array([2, 0, None], pa.int64()),
    }
)


def moved() -> Movement:
    return movement(ROWS, pa.array(["drop", "keep", "drop"]), pa.array([["a", "c"], [], []]))


def test_hours_and_error_rates_are_before_and_after() -> None:
    found = moved()
    assert found.moved == 1
    assert [found.hours("keep", after=each) for each in (False, True)] == [1.5, 0.5]
    assert [found.hours("drop", after=each) for each in (False, True)] == [0.25, 1.25]
    assert [found.kept_wer(after=each) for each in (False, True)] == [4 / 20, 0.0]
    assert found.reasons == {"+c": 1, "-b": 1}


def test_without_references_there_is_no_error_rate() -> None:
    found = movement(ROWS.slice(2), pa.array(["keep"]), pa.array([[]], pa.list_(pa.string())))
    assert found.kept_wer(after=True) is None


def test_parts_add_up_and_come_back_from_json() -> None:
    total = Movement.total([moved(), moved(), Movement(undecided=2)])
    assert (total.moved, total.undecided, total.hours("keep", after=False)) == (2, 2, 3.0)
    assert Movement.of_json(total.to_json()) == total
    assert Movement.total([]) == Movement()
