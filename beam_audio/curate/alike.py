"""Columns as lists and arrays; what follows from them is worked out once for rows alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Column: TypeAlias = pa.Array | pa.ChunkedArray


def for_each(function: Callable[..., Any], *columns: Column) -> NDArray[Any]:
    """What a pure function makes of each row; it is called once for equal values.

    It is meant for columns of few different values: languages, flags, reasons.

    Args:
        function: Takes a value of each column; None where it is null.
        columns: Columns of one length.

    Returns:
        Its results: of the type ``object``, or ``bool`` if all are.
    """
    encoded = [_array(each).dictionary_encode(null_encoding="encode") for each in columns]
    values = [each.dictionary.to_pylist() for each in encoded]
    if not values[0]:
        return np.zeros(0, dtype=object)
    codes, sizes = [each.indices.to_numpy() for each in encoded], [len(each) for each in values]
    alike, places = np.unique(np.ravel_multi_index(codes, sizes), return_inverse=True)
    results = [
        function(*(known[code] for known, code in zip(values, each, strict=True)))
        for each in zip(*np.unravel_index(alike, sizes), strict=True)
    ]
    kind = np.bool_ if all(isinstance(each, bool) for each in results) else np.object_
    found = np.empty(len(results), dtype=kind)
    found[:] = results
    return found[places]


def _array(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def bools(column: Column) -> NDArray[np.bool_]:
    """A column of truth values without nulls."""
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def floats(column: Column) -> NDArray[np.float64]:
    """A column of numbers; NaN where it is null."""
    values = column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def listed(column: Column) -> list[Any]:
    """The values of a column; None for null."""
    values: list[Any] = column.to_pylist()
    return values
