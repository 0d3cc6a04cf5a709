"""Samples as 16-bit PCM: exact, rounded and clipped, whatever the blocks."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from beam_audio.audio.pcm import PcmHash, to_pcm16

if TYPE_CHECKING:
    from pathlib import Path


def test_samples_are_rounded_to_even_and_kept_in_range() -> None:
    step = 1 / 32768
    samples = [0.0, 0.5 * step, 1.5 * step, -0.5 * step, -1.0, 1.0, 7.0, -np.inf, np.nan]
    expected = [0, 0, 2, 0, -32768, 32767, 32767, -32768, 0]
    found = struct.unpack("<9h", to_pcm16(np.array(samples, np.float32)))
    assert list(found) == expected


def test_audio_of_16_bits_has_the_hash_of_its_own_samples(tmp_path: Path) -> None:
    stored = np.random.default_rng(1).integers(-32768, 32768, 5_000).astype("<i2")
    soundfile.write(tmp_path / "a.wav", stored, 8_000, subtype="PCM_16")
    decoded, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    for size in (1, 777, 5_000):
        hashed = PcmHash()
        for start in range(0, len(decoded), size):
            hashed.push(decoded[start : start + size])
        assert hashed.hexdigest() == hashlib.sha256(stored.tobytes()).hexdigest()
