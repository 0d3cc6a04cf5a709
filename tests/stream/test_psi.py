"""The population stability index: its laws, and its size by chance alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.stream.psi import chance_index, stability_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANY = (1e9, 1e9)
COUNTS = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(1, 10_000), min_size=1)
SIZES = st.floats(1.0, 1e6)


def shares(counts: dict[str, int]) -> dict[str, float]:
    total = sum(counts.values())
    return {label: rows / total for label, rows in counts.items()}


@given(COUNTS, COUNTS, SIZES, SIZES)
def test_it_is_never_negative_nor_infinite(
    before: dict[str, int], now: dict[str, int], size: float, other: float
) -> None:
    assert 0.0 <= stability_index(shares(before), shares(now), (size, other)) < math.inf


@given(COUNTS, SIZES)
def test_it_is_zero_for_equal_samples(counts: dict[str, int], size: float) -> None:
    assert stability_index(shares(counts), shares(counts), (size, size)) == 0.0


@given(COUNTS, SIZES, SIZES)
def test_equal_mixes_of_different_sizes_are_within_chance(
    counts: dict[str, int], size: float, other: float
) -> None:
    mix, sizes = shares(counts), (size, other)
    assert stability_index(mix, mix, sizes) <= chance_index(len(mix), sizes)


@given(COUNTS, COUNTS, SIZES, SIZES)
def test_it_is_the_same_from_either_side(
    before: dict[str, int], now: dict[str, int], size: float, other: float
) -> None:
    there = stability_index(shares(before), shares(now), (size, other))
    assert stability_index(shares(now), shares(before), (other, size)) == pytest.approx(there)


@given(COUNTS, COUNTS, st.permutations("abcdefghijkl"))
def test_the_names_and_order_of_bins_do_not_matter(
    before: dict[str, int], now: dict[str, int], others: list[str]
) -> None:
    renamed = dict(zip("abcdefghijkl", others, strict=True))
    sizes = (sum(before.values()), sum(now.values()))
    mixes = [
        {renamed[label]: share for label, share in reversed(shares(each).items())}
        for each in (before, now)
    ]
    index = stability_index(shares(before), shares(now), sizes)
    assert stability_index(mixes[0], mixes[1], sizes) == index


def test_it_equals_a_sum_made_by_hand() -> None:
    by_hand = (0.2 - 0.5) * math.log(0.2 / 0.5) + (0.8 - 0.5) * math.log(0.8 / 0.5)
    index = stability_index({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8}, MANY)
    assert index == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [(1, 10.828), (2, 13.816), (5, 20.515), (10, 29.588), (30, 59.703), (100, 149.449)],
)
def test_chance_follows_the_printed_tables_of_chi_square(degrees: int, quantile: float) -> None:
    assert chance_index(degrees + 1, (2.0, 2.0)) == pytest.approx(quantile, rel=0.035)
    assert chance_index(degrees + 1, (100.0, 50.0)) == pytest.approx(0.03 * quantile, rel=0.035)


def test_a_mix_of_one_bin_cannot_differ() -> None:
    assert chance_index(1, (5.0, 5.0)) == 0.0


LANGUAGES = 1 / np.arange(1, 31) ** 1.5
MIXES = {
    "deciles": np.full(10, 0.1),
    "one rare language": np.array([0.999, 0.001]),
    "thirty languages": LANGUAGES / LANGUAGES.sum(),
}


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES.keys())
@pytest.mark.parametrize("rows", [5, 20, 100, 1000])
@pytest.mark.parametrize("reference_rows", [100, 3000])
def test_chance_alone_is_rarely_exceeded(
    mix: NDArray[np.float64], rows: int, reference_rows: int
) -> None:
    """It should be exceeded once in a thousand times; the test allows 1 % of 500 trials."""
    random = np.random.default_rng(5)
    exceeded = 0
    for _ in range(500):
        before, now = (random.multinomial(size, mix) for size in (reference_rows, rows))
        counts = [
            {str(label): int(count) for label, count in enumerate(each) if count}
            for each in (before, now)
        ]
        sizes = (float(reference_rows), float(rows))
        bins = len(counts[0].keys() | counts[1].keys())
        index = stability_index(shares(counts[0]), shares(counts[1]), sizes)
        exceeded += index > chance_index(bins, sizes)
    assert exceeded <= 5
