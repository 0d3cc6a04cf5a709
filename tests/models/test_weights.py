from __future__ import annotations

import numpy as np

from beam_audio.models.weights import Tensor, join_rows, zeros


def test_rows_are_stacked_in_order() -> None:
    first, second = np.ones((1, 3), np.float32), np.full((2, 3), 5, np.float32)
    joined = join_rows([Tensor((1, 3), lambda: first), Tensor((2, 3), lambda: second)])
    assert joined.shape == (3, 3)
    assert joined.read().tolist() == [[1, 1, 1], [5, 5, 5], [5, 5, 5]]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    def explode() -> np.ndarray:
        raise AssertionError

    assert join_rows([Tensor((4,), explode), zeros(2)]).shape == (6,)


def test_zeros_are_float32() -> None:
    assert zeros(2, 3).read().dtype == np.float32
    assert zeros(2, 3).read().shape == (2, 3)
