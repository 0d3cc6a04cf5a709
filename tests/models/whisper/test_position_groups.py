from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.random_whisper import between

from beam_audio.models.whisper.position_groups import GROUP_SIZES, group_embeddings, group_row


@given(st.sampled_from(GROUP_SIZES), st.integers(1, 200), st.data())
def test_a_row_belongs_to_its_group(size: int, positions: int, data: st.DataObject) -> None:
    embeddings = np.random.default_rng(positions).normal(size=(positions, 3)).astype(np.float32)
    start = size * data.draw(st.integers(0, (positions - 1) // size))
    row = group_embeddings(embeddings)[group_row(size, start, positions)]
    expected = between(embeddings[start : start + size].astype(np.float64))
    np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)


def test_single_positions_are_kept_to_the_bit() -> None:
    embeddings = np.random.default_rng(0).normal(size=(1500, 4)).astype(np.float32)
    assert np.array_equal(group_embeddings(embeddings)[:1500], embeddings)
