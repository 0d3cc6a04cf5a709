"""Values worked out once for rows that are alike."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from beam_audio.curate.alike import bools, for_each, listed


def test_each_row_has_its_own_value_and_equal_rows_are_looked_at_once() -> None:
    calls: list[tuple[object, ...]] = []

    def spelled(*values: object) -> str:
        calls.append(values)
        return "/".join(map(str, values))

    columns = (
        pa.chunked_array([["a", None], ["a", "b"]]),
        pa.array([True, False, True, False]),
        pa.array([1, 2, 1, None]),
    )
    found = for_each(spelled, *columns)
    assert found.tolist() == ["a/True/1", "None/False/2", "a/True/1", "b/False/None"]
    assert len(calls) == 3


def test_truth_values_are_an_array_of_them() -> None:
    found = for_each(lambda text: text == "a", pa.array(["a", None, "a"]))
    assert found.dtype == np.bool_
    assert found.tolist() == [True, False, True]
    assert for_each(lambda text: text, pa.array([], pa.string())).tolist() == []


def test_columns_become_lists_and_arrays() -> None:
    assert bools(pa.chunked_array([[True], [False]])).tolist() == [True, False]
    assert listed(pa.array(["a", None])) == ["a", None]
