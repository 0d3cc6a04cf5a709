"""Fingerprints stay nearly the same when a sound is encoded, filtered, levelled or cut."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from support.unit_runs import RATE_HZ, speech

from beam_audio.audio.decode import resample
from beam_audio.quality.fingerprint import (
    WORD_SECONDS,
    fingerprint,
    first_word,
    on_grid,
    words_of,
)

Sound = NDArray[np.float32]


def differing_bits(first: bytes | None, second: bytes | None) -> float:
    """Share of the bits that differ, over words of sound; the second may be shorter."""
    one, other = words_of(first or b""), words_of(second or b"")
    one = one[: len(other)]
    heard = (one > 0) & (other > 0)
    assert np.count_nonzero(heard) > 20
    return float(np.unpackbits((one[heard] ^ other[heard]).view(np.uint8)).mean())


def quieter(samples: Sound) -> Sound:
    return samples * np.float32(10 ** (-12 / 20))


def by_telephone(samples: Sound) -> Sound:
    return resample(resample(samples, RATE_HZ, 8_000), 8_000, RATE_HZ)


def as_vorbis(samples: Sound) -> Sound:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="OGG", subtype="VORBIS")
    file.seek(0)
    decoded: Sound = soundfile.read(file, dtype="float32")[0]
    return decoded


def half_a_word_late(samples: Sound) -> Sound:
    return samples[round(WORD_SECONDS * RATE_HZ / 2) :]


@pytest.mark.parametrize(
    ("change", "most"),
    [(quieter, 0.001), (by_telephone, 0.01), (as_vorbis, 0.06), (half_a_word_late, 0.12)],
)
def test_a_copy_has_nearly_the_same_bits(change: object, most: float) -> None:
    assert callable(change)
    assert differing_bits(fingerprint(speech()), fingerprint(change(speech()))) <= most


def test_another_sound_has_other_bits() -> None:
    backwards = np.ascontiguousarray(speech()[::-1])
    assert 0.4 < differing_bits(fingerprint(speech()), fingerprint(backwards)) < 0.6


def test_it_takes_63_bytes_a_second() -> None:
    stored = fingerprint(speech())
    assert stored is not None
    seconds = len(speech()) / RATE_HZ
    assert len(stored) == pytest.approx(62.5 * (seconds - 0.4), abs=4)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32), np.ones(6_399, np.float32)],
    ids=["silence", "nothing", "less than 0.4 s"],
)
def test_there_is_none_of_silence_and_of_short_sounds(samples: Sound) -> None:
    assert fingerprint(samples) is None


def test_samples_that_are_no_numbers_are_silence() -> None:
    broken, silent = speech().copy(), speech().copy()
    broken[:8_000], silent[:8_000] = np.nan, 0.0
    assert fingerprint(broken) == fingerprint(silent)


@pytest.mark.parametrize("start_seconds", [0.0, 0.016, 0.1, 0.1234])
def test_the_words_of_a_segment_lie_on_the_grid_of_its_recording(start_seconds: float) -> None:
    whole = words_of(fingerprint(speech()) or b"")
    segment = speech()[round(start_seconds * RATE_HZ) :]
    words = words_of(fingerprint(on_grid(segment, start_seconds)) or b"")
    there = whole[first_word(start_seconds) :][: len(words)]
    assert differing_bits(there.tobytes(), words.tobytes()) < 0.01


_STEADY = """
import sys
import numpy as np
from beam_audio.quality.fingerprint import fingerprint
tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
samples = np.round(tone * 0.2 * 32_767).astype(np.float32) / np.float32(32_768)
sys.stdout.buffer.write(fingerprint(samples))
"""


def test_every_processor_gives_the_same_bits_of_a_steady_tone() -> None:
    """The library that multiplies matrices has other code for each kind of processor."""
    kinds = [("Nehalem", "1"), ("Haswell", "1"), ("Haswell", "2")]
    found = {
        subprocess.run(
            [sys.executable, "-c", _STEADY],
            env={**os.environ, "OPENBLAS_CORETYPE": kind, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for kind, threads in kinds
    }
    assert len(found) == 1
    assert len(found.pop()) > 20
