"""Two talkers, one a channel, told from one talker that two microphones hear."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.audio.alikeness import Alikeness

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000
HOP = RATE_HZ // 2

pytestmark = pytest.mark.shared


def differ(left: NDArray[np.floating], right: NDArray[np.floating]) -> bool:
    count = min(len(left), len(right))
    both = np.stack([left[:count], right[:count]], axis=1).astype(np.float32)
    found = Alikeness(RATE_HZ)
    for first in range(0, count, HOP):
        found.push(both[first : first + HOP])
    return found.differ


@pytest.fixture(scope="module")
def talkers(shared_data: Path) -> list[NDArray[np.float32]]:
    """Five speakers, two recordings each."""
    speakers = ("1688-142285", "1998-15444", "2033-164914", "2414-128291", "2609-156975")
    folder = shared_data / "librispeech"
    return [
        np.concatenate(
            [soundfile.read(folder / f"{each}-000{number}.flac")[0] for number in (2, 6)]
        )
        for each in speakers
    ]


def room(seed: int) -> NDArray[np.float64]:
    """A room of 0.4 s of reverberation, heard from one place."""
    random = np.random.default_rng(seed)
    count = round(0.4 * RATE_HZ)
    echoes = 0.04 * random.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    echoes[random.integers(0, 160)] = 1.0
    return echoes


def test_two_talkers_at_once_differ(talkers: list[NDArray[np.float32]]) -> None:
    for first, second in pairwise(talkers):
        assert differ(first, second)
        assert differ(first, 0.5 * second)


def test_one_talker_does_not_differ(talkers: list[NDArray[np.float32]]) -> None:
    for said in talkers:
        assert not differ(said, said)
        assert not differ(said, -said)
        assert not differ(said, 0.2 * np.roll(said, 48))


@pytest.mark.slow
def test_one_talker_in_a_room_does_not_differ(talkers: list[NDArray[np.float32]]) -> None:
    random = np.random.default_rng(0)
    for said in talkers:
        places = [np.convolve(said, room(seed))[: len(said)] for seed in (1, 2)]
        noisy = [each + 0.1 * each.std() * random.standard_normal(len(said)) for each in places]
        assert not differ(*noisy)


def test_talkers_in_turn_do_not_differ(talkers: list[NDArray[np.float32]]) -> None:
    first, second = talkers[2], talkers[3]
    left = np.concatenate([first, np.zeros(len(second))])
    right = np.concatenate([np.zeros(len(first)), second])
    assert not differ(left, right)


def test_noise_beside_a_talker_is_no_talker(talkers: list[NDArray[np.float32]]) -> None:
    said = talkers[2]
    noise = np.random.default_rng(0).standard_normal(len(said)) * said.std()
    assert not differ(said, noise)


@pytest.mark.parametrize("rate_hz", [100, 8_000, 192_000])
def test_any_rate_and_silence_are_no_difference(rate_hz: int) -> None:
    found = Alikeness(rate_hz)
    for _ in range(4):
        found.push(np.zeros((rate_hz // 2, 2), np.float32))
        found.push(np.full((3, 2), 0.5, np.float32))
    assert not found.differ
