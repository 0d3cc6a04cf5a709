"""A recording in pieces, whatever it is handed over as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.errors import InputError
from beam_audio.unit.pieces import pieces

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 8_000


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, []), (59.0, [59.0]), (60.6, [60.6]), (61.5, [60.0, 1.5]), (180.0, [60.0, 60.0, 60.0])],
)
def test_a_piece_is_a_minute_and_the_last_may_be_a_second_longer(
    seconds: float, expected: list[float]
) -> None:
    samples = np.arange(round(seconds * RATE_HZ), dtype=np.float32)
    found = [*pieces(samples, RATE_HZ, RATE_HZ)]
    assert [len(each) / RATE_HZ for each in found] == expected
    assert np.array_equal(np.concatenate([samples[:0], *found]), samples)


def test_channels_are_mixed_and_resampled(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).standard_normal((2 * RATE_HZ, 2)) * 0.1
    soundfile.write(tmp_path / "call.flac", samples, RATE_HZ)
    (found,) = pieces(str(tmp_path / "call.flac"), 2 * RATE_HZ)
    assert found.shape == (4 * RATE_HZ,)
    assert found[::2] == pytest.approx(samples.mean(axis=1), abs=0.05)


def test_samples_need_their_rate() -> None:
    with pytest.raises(InputError, match="pass sample_rate_hz="):
        next(pieces(np.zeros(10, np.float32), RATE_HZ))
