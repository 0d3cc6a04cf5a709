"""What counts by commit records."""

from __future__ import annotations

from beam_audio.output.commits import Commit, InputState
from beam_audio.output.counted import Counted

SHARED = "segments/date=x/part-shared-1.parquet"
OWN = "segments/date=x/part-a-1-0.parquet"


def commit(unit_id: str, source_id: str, *files: str, outcome: str = "recorded") -> Commit:
    state = InputState(outcome, "p", "s", None, {})  # type: ignore[arg-type] # of three literals
    return Commit(unit_id, {source_id: state}, {}, files)


def test_files_are_those_of_a_table_each_once() -> None:
    counted = Counted.of(
        [commit("a", "1", OWN, SHARED, "recordings/part-a-1-0.parquet"), commit("b", "2", SHARED)]
    )
    assert counted.files_of("segments") == [OWN, SHARED]
    assert counted.files_of("recordings") == ["recordings/part-a-1-0.parquet"]
    assert counted.files_of("failures") == []


def test_a_file_is_of_the_units_that_name_it() -> None:
    counted = Counted.of([commit("b", "2", SHARED), commit("a", "1", OWN, SHARED)])
    assert counted.units_of(SHARED) == [("a", 1), ("b", 1)]
    assert counted.units_of(OWN) == [("a", 1)]
    assert counted.files == [OWN, SHARED]


def test_the_layout_is_that_of_units_with_files() -> None:
    closed = Commit("c", {}, {})
    laid_out = Commit("a", {}, {"partition_by": "date"}, (OWN,))
    assert Counted.of([laid_out, closed]).layout == {"partition_by": "date"}
    assert Counted.of([closed]).layout == {}


def test_in_a_shared_file_the_inputs_of_its_units_count() -> None:
    counted = Counted.of(
        [commit("a", "1", OWN, SHARED), commit("b", "2", SHARED), commit("c", "3")]
    )
    assert counted.sources(SHARED) == frozenset({"1", "2"})
    assert counted.sources(OWN) is None


def test_inputs_whose_rows_are_elsewhere_are_known() -> None:
    counted = Counted.of([commit("a", "1"), commit("b", "2", outcome="known")])
    assert list(counted.known) == ["2"]
