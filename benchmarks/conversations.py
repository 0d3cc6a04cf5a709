"""Conversations made of read speech, so that it is known to the sample who speaks when.

Phrases are cut out of clips where their energy falls, and put one after the other, some over the
end of the one before, each speaker at a level of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE_HZ = 16_000
FRAME = RATE_HZ // 100
BELOW_PEAK_DB = 35.0
"""Frames that are further below the loudest one are not speech."""
PAUSE_FRAMES = 30
PHRASE_SECONDS = (1.0, 8.0)
OVERLAPS = 0.2
"""Share of turns that begin before the one before ends."""
NOISE = 10 ** (-60 / 20)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who speaks from when to when, in seconds."""

    speaker: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Conversation:
    """Samples at 16 kHz, and every stretch of speech in them."""

    samples: Samples
    spoken: tuple[Spoken, ...]


def speakers_of(folders: Sequence[Path]) -> dict[str, list[Samples]]:
    """Clips of LibriSpeech by the number of their speaker, with which their names begin."""
    found: dict[str, list[Samples]] = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.flac")):
        samples, rate_hz = soundfile.read(path, dtype="float32")
        if rate_hz == RATE_HZ:
            found.setdefault(path.name.partition("-")[0], []).append(samples)
    return found


def make_conversation(
    clips: Mapping[str, Sequence[Samples]], people: int, seconds: float, seed: int
) -> Conversation:
    """A conversation of so many people, of at least these seconds."""
    dice = np.random.default_rng(seed)
    names = sorted(dice.choice(sorted(clips), people, replace=False).tolist())
    phrases = {name: [p for clip in clips[name] for p in _phrases(clip)] for name in names}
    gains = {name: 10 ** (dice.uniform(-5, 5) / 20) for name in names}
    mixed = np.zeros(0, np.float32)
    spoken: list[Spoken] = []
    name = ""
    while len(mixed) < seconds * RATE_HZ:
        name = str(dice.choice([other for other in names if other != name]))
        phrase = phrases[name][int(dice.integers(len(phrases[name])))]
        overlaps = dice.random() < OVERLAPS
        gap = -dice.uniform(0.3, 1.0) if overlaps else dice.uniform(0.1, 0.8)
        start = max(0, len(mixed) + round(gap * RATE_HZ))
        grown = np.zeros(max(len(mixed), start + len(phrase)), np.float32)
        grown[: len(mixed)] = mixed
        grown[start : start + len(phrase)] += phrase * np.float32(gains[name])
        mixed = grown
        spoken += [
            Spoken(name, (start + begin) / RATE_HZ, (start + end) / RATE_HZ)
            for begin, end in _loud(phrase)
        ]
    noise = dice.normal(0, NOISE, len(mixed)).astype(np.float32)
    scaled = mixed / max(1.0, float(np.abs(mixed).max()) / 0.9)
    return Conversation(scaled + noise, tuple(spoken))


def _phrases(clip: Samples) -> list[Samples]:
    """Pieces of a clip that begin and end with speech, cut at its pauses."""
    shortest, longest = (seconds * RATE_HZ for seconds in PHRASE_SECONDS)
    found: list[list[int]] = []
    for begin, end in _loud(clip):
        if found and end - found[-1][0] <= longest:
            found[-1][1] = end
        else:
            found.append([begin, end])
    return [clip[begin:end] for begin, end in found if end - begin >= shortest]


def _loud(samples: Samples) -> list[tuple[int, int]]:
    """Stretches of speech by their energy, joined over short pauses, in samples."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels = 10 * np.log10(np.square(frames.astype(np.float64)).mean(axis=1) + 1e-12)
    loud = levels > levels.max() - BELOW_PEAK_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]))).tolist()
    joined: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if joined and begin - joined[-1][1] < PAUSE_FRAMES:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return [
        (begin * FRAME, end * FRAME) for begin, end in joined if end - begin > PAUSE_FRAMES // 3
    ]
