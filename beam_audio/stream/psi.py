"""The population stability index (PSI) of two mixes, and how large chance alone makes it.

A mix is the share of rows in each bin.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PSEUDO_ROWS: Final = 0.5
"""Rows added to each bin. A larger number hides small shifts; with a much smaller one, a rare
language raises an alert when it is seen once."""
_CHANCE: Final = 0.999


def stability_index(
    reference: Mapping[str, float], sample: Mapping[str, float], sizes: tuple[float, float]
) -> float:
    """Σ (p - q) ln(p / q) over the bins of either mix; 0 if the two are equal.

    This is the symmetric divergence of Jeffreys (1946), as credit scoring uses it; its customary
    bounds are 0.1 and 0.25. Half a row is added to each bin of both, so that an empty bin does not
    make it infinite. Equal mixes of different sizes are therefore a little above 0.

    Args:
        reference: Share q of each bin, by its label.
        sample: Share p of each bin.
        sizes: Number of independent rows of the reference and of the sample.
    """
    bins = reference.keys() | sample.keys()
    before, now = (
        {each: _smoothed(mix.get(each, 0.0), rows, len(bins)) for each in bins}
        for mix, rows in zip((reference, sample), sizes, strict=True)
    )
    return math.fsum((now[each] - q) * math.log(now[each] / q) for each, q in before.items())


def chance_index(bins: int, sizes: tuple[float, float]) -> float:
    """The index that two samples of one population exceed once in a thousand times.

    The index is distributed about as (1/n + 1/m) times chi-square with one degree of freedom less
    than there are bins: Yurdakul and Naranjo, "Statistical properties of the population stability
    index", Journal of Risk Model Validation, 2020. The quantile of chi-square is the approximation
    of Wilson and Hilferty (1931).

    Args:
        bins: Number of bins that either sample has.
        sizes: Number n and m of independent rows of the two.
    """
    degrees = bins - 1
    if degrees == 0:
        return 0.0
    spread = 2 / (9 * degrees)
    root = 1 - spread + NormalDist().inv_cdf(_CHANCE) * math.sqrt(spread)
    return sum(1 / rows for rows in sizes) * degrees * root * root * root


def _smoothed(share: float, rows: float, bins: int) -> float:
    return (share * rows + _PSEUDO_ROWS) / (rows + _PSEUDO_ROWS * bins)
