"""A long recording: clips of read speech, one after the other, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ: Final = 16_000


def write_joined(shared_data: Path, seconds: float, path: Path) -> Path:
    """Write so many seconds of FLAC."""
    clips = sorted((shared_data / "librispeech").glob("*.flac"))
    left = round(seconds * RATE_HZ)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16") as file:
        while left > 0:
            for clip in clips:
                samples, _ = soundfile.read(clip, dtype="int16")
                file.write(np.concatenate([samples, np.zeros(RATE_HZ // 2, np.int16)])[:left])
                left = max(0, left - len(samples) - RATE_HZ // 2)
    return path
