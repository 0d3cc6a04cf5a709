from __future__ import annotations

import numpy as np
import pytest

from beam_audio.models.whisper.mel_filters import fft_window, mel_filters


@pytest.mark.parametrize(
    ("bands", "largest", "first_row"),
    # Figures of the filters that Whisper's reference ships.
    [(80, 0.025880685, [0.0, 0.024862593]), (128, 0.041681748, [0.0, 0.012373987])],
)
def test_filters_are_whispers(bands: int, largest: float, first_row: list[float]) -> None:
    filters = mel_filters(bands)
    assert filters.shape == (bands, 201)
    assert filters.max() == pytest.approx(largest, rel=1e-6)
    assert filters[0, :2].tolist() == pytest.approx(first_row, rel=1e-6)
    assert (filters >= 0).all()
    assert (filters.sum(axis=1) > 0).all()


def test_the_window_is_periodic_and_its_neighbours_add_up() -> None:
    window = fft_window()
    assert (window[0], window[200]) == (0, 1)
    np.testing.assert_allclose(window[:200] + window[200:], 1)
