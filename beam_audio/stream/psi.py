"""The population stability index (PSI) of two mixes, and how large chance alone makes it."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PSEUDO_ROWS: Final = 0.5
"""More of this, and small shifts are lost; of much less, and a rare language seen once alarms."""
_CHANCE: Final = 0.999


def stability_index(
    reference: Mapping[str, float], sample: Mapping[str, float], sizes: tuple[float, float]
) -> float:
    """Σ (p - q) ln(p / q) over the bins that either mix has; 0 for two alike.

    This is the symmetric divergence of Jeffreys (1946), as credit scoring uses it; 0.1 and 0.25 are
    its customary bounds. Half a row is added to each bin of both, so that an empty one makes no
    infinity; therefore like mixes of unlike sizes are a little off 0.

    Args:
        reference: Share q of each bin, by its label.
        sample: Share p of each bin.
        sizes: Independent rows behind the two.
    """
    bins = reference.keys() | sample.keys()
    before, now = (
        {each: _smoothed(mix.get(each, 0.0), rows, len(bins)) for each in bins}
        for mix, rows in zip((reference, sample), sizes, strict=True)
    )
    return math.fsum((now[each] - q) * math.log(now[each] / q) for each, q in before.items())


def chance_index(bins: int, sizes: tuple[float, float]) -> float:
    """The index that two samples of one population exceed once in a thousand times.

    It is then distributed about as (1/n + 1/m) times chi-square with a degree of freedom less than
    bins: Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal
    of Risk Model Validation, 2020. The quantile is the approximation of Wilson and Hilferty (1931).

    Args:
        bins: Those that either has.
        sizes: Independent rows of the two.
    """
    degrees = bins - 1
    if degrees == 0:
        return 0.0
    spread = 2 / (9 * degrees)
    root = 1 - spread + NormalDist().inv_cdf(_CHANCE) * math.sqrt(spread)
    return sum(1 / rows for rows in sizes) * degrees * root * root * root


def _smoothed(share: float, rows: float, bins: int) -> float:
    return (share * rows + _PSEUDO_ROWS) / (rows + _PSEUDO_ROWS * bins)
