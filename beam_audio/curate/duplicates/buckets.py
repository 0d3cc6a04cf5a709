"""Rows that share keys, found by sorting: near-linear in the number of rows.

All is kept in packed arrays, so that a worker compares a million keys in a second. Ids of rows are
their 128 bits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Packed = NDArray[np.void]

ENTRY: Final = np.dtype([("key", "<u8"), ("high", "<u8"), ("low", "<u8"), ("at", "<i4")])
"""A key of a row, and where in the row it stands."""
HIT: Final = np.dtype(
    [
        ("high", "<u8"),
        ("low", "<u8"),
        ("other_high", "<u8"),
        ("other_low", "<u8"),
        ("shift", "<i4"),
    ]
)
"""A key that two rows share; the first has the smaller id."""
PARTNERS: Final = 32
"""A row is paired with so many of those that share a key with it, in the order of their ids."""

SHIFTS: Final = 8
"""Two rows are compared at so many shifts at most: recordings may share more than one piece."""

_NEAR: Final = 1
_PAIR: Final = ["high", "low", "other_high", "other_low"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two rows that may be alike.

    Attributes:
        row_id: One row.
        other_id: The other.
        shift: Where in the first the second begins.
    """

    row_id: str
    other_id: str
    shift: int


def pack(row_id: str, keys: NDArray[np.uint64], at: NDArray[np.int64]) -> Packed:
    """Entries of a row; a key counts where it stands first."""
    kept, first = np.unique(keys, return_index=True)
    entries = np.zeros(len(kept), dtype=ENTRY)
    entries["key"], entries["at"] = kept, at[first]
    entries["high"], entries["low"] = int(row_id[:16], 16), int(row_id[16:], 16)
    return entries


def hits_of(entries: Packed) -> tuple[Packed, int]:
    """Rows that share a key.

    Args:
        entries: All entries of some keys, of type :data:`ENTRY`.

    Returns:
        Hits, of type :data:`HIT`, and the number of keys that more rows share than
        :data:`PARTNERS` and one. Rows of such a key are not all paired with each other, but each
        with its next neighbours, so that together they stay connected.
    """
    order = np.lexsort([entries["at"], entries["low"], entries["high"], entries["key"]])
    entries = entries[order]
    found = [np.zeros(0, dtype=HIT)]
    crowded = 0
    for step in range(1, PARTNERS + 2):
        equal = np.flatnonzero(entries["key"][step:] == entries["key"][:-step])
        if not len(equal):
            break
        if step > PARTNERS:
            crowded = len(np.unique(entries["key"][equal]))
            break
        found.append(_hits(entries[equal], entries[equal + step]))
    return np.concatenate(found), crowded


def candidates_of(hits: Packed, least_hits: int) -> list[Candidate]:
    """Pairs that share enough keys at one shift, give or take a word.

    Args:
        hits: All hits of some pairs.
        least_hits: So many keys.
    """
    if not len(hits):
        return []
    hits = hits[np.lexsort([hits["shift"], *(hits[name] for name in reversed(_PAIR))])]
    same = np.ones(len(hits), dtype=np.bool_)
    for name in _PAIR:
        same[1:] &= hits[name][1:] == hits[name][:-1]
    same[0] = False
    group = np.cumsum(~same)
    # Shifts are below 2**31, so groups do not touch on this line.
    line = group.astype(np.int64) * 2**33 + hits["shift"]
    counts = np.searchsorted(line, line + _NEAR, side="right") - np.searchsorted(
        line, line - _NEAR, side="left"
    )
    _, one_each = np.unique(line, return_index=True)
    chosen: list[int] = []
    taken: defaultdict[int, list[int]] = defaultdict(list)
    for index in one_each[np.argsort(-counts[one_each], kind="stable")].tolist():
        if counts[index] < least_hits:
            break
        shifts, shift = taken[group[index]], int(hits["shift"][index])
        if len(shifts) < SHIFTS and all(abs(shift - other) > 2 * _NEAR for other in shifts):
            shifts.append(shift)
            chosen.append(index)
    return [_candidate(hits[index]) for index in sorted(chosen)]


def _hits(first: Packed, second: Packed) -> Packed:
    hits = np.zeros(len(first), dtype=HIT)
    hits["high"], hits["low"] = first["high"], first["low"]
    hits["other_high"], hits["other_low"] = second["high"], second["low"]
    hits["shift"] = first["at"] - second["at"]
    return hits


def _candidate(hit: Any) -> Candidate:  # noqa: ANN401  one row of the array
    return Candidate(
        f"{int(hit['high']):016x}{int(hit['low']):016x}",
        f"{int(hit['other_high']):016x}{int(hit['other_low']):016x}",
        int(hit["shift"]),
    )
