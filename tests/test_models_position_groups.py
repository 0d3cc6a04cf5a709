from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.models.position_groups import GROUP_SIZES, group_means, group_row


@given(st.sampled_from(GROUP_SIZES), st.integers(1, 200), st.data())
def test_a_row_is_the_mean_of_its_group(size: int, positions: int, data: st.DataObject) -> None:
    embeddings = np.random.default_rng(positions).normal(size=(positions, 3)).astype(np.float32)
    start = size * data.draw(st.integers(0, (positions - 1) // size))
    row = group_means(embeddings)[group_row(size, start, positions)]
    expected = np.mean(embeddings[start : start + size], axis=0, dtype=np.float64)
    np.testing.assert_allclose(row, expected, atol=1e-6)


def test_single_positions_are_kept_to_the_bit() -> None:
    embeddings = np.random.default_rng(0).normal(size=(1500, 4)).astype(np.float32)
    assert np.array_equal(group_means(embeddings)[:1500], embeddings)
