"""Rows that share keys become candidates, in any order, and crowded keys stay connected."""

from __future__ import annotations

import numpy as np

from beam_audio.curate.duplicates.buckets import (
    ENTRY,
    PARTNERS,
    Candidate,
    candidates_of,
    hits_of,
    pack,
)
from beam_audio.types import stable_id

A, B, C = (f"{number:032x}" for number in (1, 2, 3))


def entries(*rows: tuple[str, list[int], list[int]]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    packed = [pack(row_id, np.array(keys, np.uint64), np.array(at)) for row_id, keys, at in rows]
    return np.concatenate([np.zeros(0, ENTRY), *packed])


def test_rows_that_share_keys_at_one_shift_are_candidates() -> None:
    hits, crowded = hits_of(entries((A, [7, 8, 9], [10, 11, 12]), (B, [8, 9, 5], [1, 2, 3])))
    assert candidates_of(hits, 2) == [Candidate(A, B, 10)]
    assert crowded == 0


def test_keys_at_other_distances_are_no_evidence() -> None:
    hits, _ = hits_of(entries((A, [7, 8], [10, 50]), (B, [7, 8], [0, 20])))
    assert candidates_of(hits, 2) == []


def test_a_shift_of_one_word_counts_as_the_same() -> None:
    hits, _ = hits_of(entries((A, [7, 8], [10, 21]), (B, [7, 8], [0, 10])))
    assert [each.row_id for each in candidates_of(hits, 2)] == [A]


def test_two_pieces_that_two_rows_share_are_two_candidates() -> None:
    keys = [1, 2, 3, 4]
    hits, _ = hits_of(entries((A, keys, [0, 1, 100, 101]), (B, keys, [0, 1, 50, 51])))
    assert {each.shift for each in candidates_of(hits, 2)} == {0, 50}


def test_a_row_is_no_candidate_with_itself() -> None:
    hits, _ = hits_of(entries((A, [7, 7, 8], [0, 5, 6]), (B, [1], [0])))
    assert candidates_of(hits, 1) == []


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [(A, [1, 2, 3], [0, 1, 2]), (B, [2, 3], [0, 1]), (C, [3, 2], [9, 8])]
    found = candidates_of(hits_of(entries(*rows))[0], 2)
    assert found == candidates_of(hits_of(entries(*reversed(rows)))[0], 2)
    assert len(found) == 3


def test_nothing_shares_nothing() -> None:
    hits, crowded = hits_of(entries())
    assert (candidates_of(hits, 1), crowded) == ([], 0)


def test_a_key_of_very_many_rows_costs_no_more_than_its_neighbours() -> None:
    ids = [stable_id("row", number) for number in range(500)]
    hits, crowded = hits_of(entries(*((row_id, [7], [0]) for row_id in ids)))
    found = candidates_of(hits, 1)
    assert crowded == 1
    assert len(found) <= PARTNERS * len(ids)
    groups = {row_id: row_id for row_id in ids}
    for each in sorted(found, key=lambda it: it.row_id):
        groups[each.other_id] = min(groups[each.other_id], groups[each.row_id])
    assert len(set(groups.values())) == 1
