"""Voices of clips in which it is known who speaks when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.speakers.networks import load_networks
from beam_audio.speakers.people import directions_of, name_people
from beam_audio.speakers.voices import as_bytes, hear_voices

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 16_000
ANN, BOB = "1688-142285-0003.flac", "1998-15444-0001.flac"


@pytest.fixture(scope="module")
def clips(shared_data: Path) -> dict[str, NDArray[np.float32]]:
    folder = shared_data / "librispeech"
    return {name: soundfile.read(folder / name, dtype="float32")[0] for name in (ANN, BOB)}


@pytest.mark.shared
def test_two_people_in_turn_are_two_voices(
    clips: dict[str, NDArray[np.float32]], shared_models: Path
) -> None:
    pause = np.zeros(RATE_HZ // 2, np.float32)
    joined = np.concatenate([clips[ANN], pause, clips[BOB], pause, clips[ANN]])
    change, back = (5.06 + 0.5, 5.06 + 0.5 + 6.025 + 0.5)
    voices = hear_voices(joined, 100.0, load_networks(str(shared_models)))
    assert {each.window for each in voices} == {0, 1, 2}
    windows = [[each for each in voices if each.window == number] for number in range(3)]
    named = [each for group in name_people(windows, None) for each in group]
    assert {each.speaker for each in named} == {"S1", "S2"}
    for each in named:
        for start, end in each.turns:
            is_bob = 100 + change < (start + end) / 2 < 100 + back
            assert each.speaker == ("S2" if is_bob else "S1")
    ends = [end for each in named for _, end in each.turns]
    assert max(ends) <= 100 + len(joined) / RATE_HZ


@pytest.mark.shared
def test_nobody_speaks_in_silence(shared_models: Path) -> None:
    networks = load_networks(str(shared_models))
    assert hear_voices(np.zeros(2 * RATE_HZ, np.float32), 0.0, networks) == ()
    assert hear_voices(np.zeros(200, np.float32), 0.0, networks) == ()
    assert hear_voices(np.zeros(0, np.float32), 0.0, networks) == ()


@pytest.mark.shared
def test_a_clip_beyond_full_scale_is_heard(
    clips: dict[str, NDArray[np.float32]], shared_models: Path
) -> None:
    loud = clips[ANN] * 50
    loud[100] = np.nan
    networks = load_networks(str(shared_models))
    assert hear_voices(loud, 0.0, networks) == hear_voices(
        np.clip(np.nan_to_num(loud), -1, 1), 0.0, networks
    )


def test_bytes_keep_a_direction() -> None:
    direction = np.random.default_rng(1).normal(size=192).astype(np.float32)
    direction /= np.linalg.norm(direction)
    (kept,) = directions_of([as_bytes(direction)])
    assert float(kept @ direction) > 0.999
