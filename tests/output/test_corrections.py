"""What people corrected: kept by times, merged in any order, found again after another cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import StoreError
from beam_audio.output.corrections import (
    Correction,
    merged,
    placed,
    read_corrections,
    write_corrections,
)

if TYPE_CHECKING:
    from pathlib import Path

NINE = datetime(2026, 11, 27, 9, tzinfo=UTC)
FIRST = Correction("r1", 1.0, 3.0, "wünsche \u2028 here", "keep", "anna@example.com", NINE)


def test_what_is_written_is_read_back_and_writing_it_again_changes_nothing(tmp_path: Path) -> None:
    root = str(tmp_path)
    other = replace(FIRST, recording_id="r2", start_seconds=0.5, text=None)
    assert write_corrections(root, read_corrections(root), [FIRST, other]) == 2
    known = read_corrections(root)
    assert known.of("r1") == (FIRST,)
    assert known.of("r2") == (other,)
    assert known.of("r3") == ()
    assert write_corrections(root, known, [other, FIRST]) == 0


def test_the_last_of_a_place_counts_in_whatever_order_they_come() -> None:
    later = replace(FIRST, text="other", corrected_at=NINE + timedelta(minutes=1))
    same_time = replace(FIRST, text="another")
    beside = replace(FIRST, start_seconds=3.0, end_seconds=4.0)
    found = {merged(each) for each in permutations([FIRST, later, same_time, beside])}
    assert found == {(later, beside)}
    assert len({merged(each) for each in permutations([FIRST, same_time])}) == 1


def test_a_withdrawal_stays_so_that_an_older_file_does_not_bring_the_text_back() -> None:
    back = replace(FIRST, text=None, verdict=None, corrected_at=NINE + timedelta(hours=1))
    assert back.withdraws
    kept = merged([FIRST, back, FIRST])
    assert kept == (back,)
    assert placed(kept, [(1.0, 3.0)]).by_segment == {}


@pytest.mark.parametrize(
    ("times", "is_found"),
    [
        *[((1.0, 3.0), True), ((1.1, 3.1), True), ((1.0, 3.2), True), ((1.2, 3.0), True)],
        *[((1.0, 3.3), False), ((1.3, 3.0), False), ((1.25, 3.25), False), ((8.0, 9.0), False)],
    ],
)
def test_a_segment_is_the_same_if_both_share_nine_tenths(
    times: tuple[float, float],
    is_found: bool,  # noqa: FBT001
) -> None:
    found = placed([FIRST], [(5.0, 6.0), times])
    assert found.by_segment == ({1: FIRST} if is_found else {})
    assert found.nowhere == (() if is_found else (FIRST,))


def test_of_two_that_are_about_one_segment_the_later_counts() -> None:
    """A recording was cut otherwise between the two."""
    cut_otherwise = replace(
        FIRST, start_seconds=1.05, text="later", corrected_at=NINE + timedelta(hours=1)
    )
    found = placed([cut_otherwise, FIRST], [(1.0, 3.0)])
    assert found.by_segment == {0: cut_otherwise}
    assert found.nowhere == ()


def test_segments_of_failed_recognition_and_of_no_length_take_nothing() -> None:
    assert placed([replace(FIRST, start_seconds=0.0)], [(0.0, 0.0)]).by_segment == {}


@pytest.mark.parametrize("content", ["{", "[1]", '[{"text": "a"}]', '{"a": 1}'])
def test_a_file_of_somebody_else_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "r1.json").write_text(content)
    with pytest.raises(StoreError, match=r"r1\.json' was not written by this version"):
        read_corrections(str(tmp_path)).of("r1")
