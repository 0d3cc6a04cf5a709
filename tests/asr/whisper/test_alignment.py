from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from beam_audio.asr.whisper.alignment import (
    attention_of_tokens,
    median_of_7,
    token_spans,
    warp,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def planted(borders: list[int], heads: int = 3, prompt: int = 2) -> NDArray[np.float32]:
    """Scores that are high where each token is said; the last part follows the text.

    The row of a token is that of the token fed before it, so the prompt's last one comes first.
    """
    rng = np.random.default_rng(5)
    tokens = len(borders) - 2
    scores = rng.normal(size=(heads, prompt + tokens, borders[-1])).astype(np.float32)
    for row in range(tokens + 1):
        scores[:, prompt - 1 + row, borders[row] : borders[row + 1]] += 8
    return scores


def test_tokens_are_found_where_they_were_said() -> None:
    borders = [0, 40, 55, 110, 140, 180, 200]
    spans = token_spans(attention_of_tokens(planted(borders)), prompt=2)
    assert spans.shape == (5, 2)
    np.testing.assert_allclose(spans[:, 0], borders[:5], atol=3)
    np.testing.assert_allclose(spans[:, 1], borders[1:6], atol=3)


def test_a_head_that_looks_nowhere_changes_little() -> None:
    scores = planted([0, 40, 80, 120])
    blind = np.concatenate([scores, np.zeros_like(scores[:1])])
    found, expected = (token_spans(attention_of_tokens(each), 2) for each in (blind, scores))
    np.testing.assert_allclose(found, expected, atol=2)


@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(0, 6), st.integers(0, 30), st.integers(0, 99)
)
def test_spans_never_go_back_or_leave_the_clip(
    heads: int, prompt: int, tokens: int, frames: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=5, size=(heads, prompt + tokens, frames)).astype(np.float32)
    spans = token_spans(attention_of_tokens(scores), prompt)
    assert spans.shape == (tokens, 2)
    ends = spans.reshape(-1)
    assert (np.diff(ends) >= 0).all()
    assert ((ends >= 0) & (ends <= frames)).all()
    assert (spans[1:, 0] == spans[:-1, 1]).all()
    if tokens:
        assert spans[0, 0] == 0


@pytest.mark.parametrize("seed", range(5))
def test_float_noise_moves_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=3, size=(6, 40, 300)).astype(np.float32)
    noisy = scores * (1 + 1e-6 * rng.normal(size=scores.shape)).astype(np.float32)
    found, expected = (token_spans(attention_of_tokens(each), 3) for each in (noisy, scores))
    np.testing.assert_array_equal(found, expected)


def cheapest(costs: list[list[int]]) -> int:
    """Cost of the best path, cell by cell."""
    total = [[10**9] * len(costs[0]) for _ in costs]
    for row, line in enumerate(costs):
        for frame, cost in enumerate(line):
            before = [
                total[r][f]
                for r, f in ((row - 1, frame - 1), (row - 1, frame), (row, frame - 1))
                if r >= 0 and f >= 0
            ]
            total[row][frame] = cost + min(before, default=0)
    return total[-1][-1]


def cost_of(costs: list[list[int]], starts: list[int]) -> int:
    """Cost of the best path that enters each row where it is said to."""
    total = 0
    for row, (start, line) in enumerate(zip(starts, costs, strict=True)):
        following = starts[row + 1] if row + 1 < len(starts) else len(line)
        total += sum(line[start:following])
        if row + 1 < len(starts):
            # The path may share the first frame of the next row, and must if it began there, too.
            total += line[following] if following == start else min(0, line[following])
    return total


@given(
    st.tuples(st.integers(1, 6), st.integers(1, 7)).flatmap(
        lambda shape: st.lists(
            st.lists(st.integers(-9, 9), min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        )
    )
)
def test_the_path_is_the_cheapest(costs: list[list[int]]) -> None:
    starts = warp(np.array(costs, np.float32)).tolist()
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert cost_of(costs, starts) == cheapest(costs)


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=20),
        elements=st.floats(-100, 100, width=32),
    )
)
def test_the_median_is_that_of_each_window(rows: NDArray[np.float32]) -> None:
    found = median_of_7(rows)
    if rows.shape[1] <= 3:  # too short to be mirrored: left as it is
        np.testing.assert_array_equal(found, rows)
        return
    padded = np.pad(rows, ((0, 0), (3, 3)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=1)
    np.testing.assert_array_equal(found, np.median(windows, axis=2))


def test_attention_is_the_reference_s_written_out() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(2, 5, 30))
    weights = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    standing = (weights - weights.mean(axis=1, keepdims=True)) / weights.std(axis=1, keepdims=True)
    padded = np.pad(standing, ((0, 0), (0, 0), (3, 3)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=2)
    expected = np.median(windows, axis=3).mean(axis=0)
    np.testing.assert_allclose(attention_of_tokens(scores.astype(np.float32)), expected, atol=1e-4)
