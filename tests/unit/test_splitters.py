"""Each channel of a stream has its own segments, hash and level, whatever the block size."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.unit_runs import RATE_HZ, WINDOWS, tones

from beam_audio.audio.decode import open_audio
from beam_audio.unit.splitters import ChannelSplitters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.audio.mixing import Channels

LEFT, RIGHT = tones([0.1, 0.2]), tones([0.3, 0.4])


def split(policy: Channels, block_seconds: float = 1.0) -> ChannelSplitters:
    """A stereo file of two windows, pushed to its end."""
    file = io.BytesIO()
    soundfile.write(file, np.stack([LEFT, RIGHT], axis=1), RATE_HZ, "PCM_16", format="WAV")
    file.seek(0)
    with open_audio(file, block_seconds=block_seconds) as stream:
        splitters = ChannelSplitters(stream, policy, {None: "a", 0: "b", 1: "c"}, WINDOWS)
        found = [each for block in stream.blocks() for each in splitters.push(block)]
        found += splitters.finish()
    assert len(found) == 2 * len(splitters.items())
    assert {each.recording_id for each in found} == ({"a"} if policy == "mix" else {"b", "c"})
    return splitters


@pytest.mark.parametrize("block_seconds", [0.13, 1.0, 60.0])
def test_split_channels_hash_their_own_samples(block_seconds: float) -> None:
    splitters = split("split", block_seconds)
    hashes = [splitters.audio_sha256(channel) for channel, _ in splitters.items()]
    stored = [stored_integers(each) for each in (LEFT, RIGHT)]
    assert hashes == [hashlib.sha256(each.tobytes()).hexdigest() for each in stored]
    assert len(set(hashes)) == 2


def stored_integers(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """The 16-bit integers that libsndfile stores for these samples."""
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, "PCM_16", format="WAV")
    file.seek(0)
    found: NDArray[np.int16] = soundfile.read(file, dtype="int16")[0]
    return found


def test_a_mix_is_one_recording() -> None:
    splitters = split("mix")
    ((channel, splitter),) = splitters.items()
    assert channel is None
    assert splitter.decoded_samples == len(LEFT)
