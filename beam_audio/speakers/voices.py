"""The voices of a clip: when each speaks, and how it sounds.

A clip is heard in windows of 10 s, as the segmentation was trained, that begin 5 s after each
other. Of each window, the middle counts. Which voices of different windows are one person is
decided when the whole recording is known; see :mod:`beam_audio.speakers.people`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.speakers.clusters import group
from beam_audio.speakers.networks import (
    FIRST_CENTRE_SAMPLES,
    LOCAL_VOICES,
    RATE_HZ,
    STEP_SAMPLES,
)
from beam_audio.types import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.speakers.networks import SpeakerNetworks

WINDOW_SAMPLES: Final = 10 * RATE_HZ
HOP_SAMPLES: Final = 5 * RATE_HZ
_TIME_DECIMALS: Final = 3
_LARGEST_BYTE: Final = 127
_SHORTEST_TURN_SAMPLES: Final = RATE_HZ // 10
_LONGEST_PAUSE_SAMPLES: Final = 3 * RATE_HZ // 10
"""A shorter pause of a voice in a window is part of its turn."""
_TELLING_SAMPLES: Final = RATE_HZ
"""Of a shorter turn it cannot be told whose it is."""
_SPLIT_THRESHOLD: Final = 0.3
"""Mean cosine below which turns of one voice are of two people: the segmentation was wrong."""


def hear_voices(
    clip: NDArray[np.float32], start_seconds: float, networks: SpeakerNetworks
) -> tuple[Voice, ...]:
    """The voices of a clip, those of each window on their own, in order.

    Args:
        clip: float32 of shape (n,) at 16 kHz; what is beyond full scale is cut off.
        start_seconds: Where the clip begins in its recording.
        networks: The networks.
    """
    samples = np.clip(np.nan_to_num(clip), -1.0, 1.0).astype(np.float32)
    return tuple(
        replace(voice, window=number)
        for number, (begin, first, stop) in enumerate(_windows(len(samples)))
        for voice in _voices(
            samples[begin : begin + WINDOW_SAMPLES],
            (first - begin, stop - begin),
            start_seconds + begin / RATE_HZ,
            networks,
        )
    )


def _windows(length: int) -> Iterator[tuple[int, int, int]]:
    """Begin of each window, and the stretch that it counts for; the stretches cover the clip."""
    last = max(0, length - WINDOW_SAMPLES)
    begins = [*range(0, last, HOP_SAMPLES), last]
    inner = [(begin + WINDOW_SAMPLES + after) // 2 for begin, after in pairwise(begins)]
    for begin, (first, stop) in zip(begins, pairwise([0, *inner, length]), strict=True):
        yield begin, first, stop


def _voices(
    window: NDArray[np.float32],
    span: tuple[int, int],
    start_seconds: float,
    networks: SpeakerNetworks,
) -> Iterator[Voice]:
    """The voices of a window that speak in the stretch ``span`` of it, in samples."""
    speaking = networks.speaking(window)
    alone = speaking & (speaking.sum(axis=1, keepdims=True) == 1)
    for local in range(LOCAL_VOICES):
        turns = [
            (max(begin, span[0]), min(end, span[1]))
            for begin, end in _stretches(speaking[:, local], len(window))
        ]
        turns = [(begin, end) for begin, end in turns if end - begin >= _SHORTEST_TURN_SAMPLES]
        solo = [*_runs(alone[:, local], len(window))]
        for each in _apart([_turn(*turn, solo, window, networks) for turn in turns]):
            yield _voice(each, start_seconds)


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """Samples of a window in which somebody speaks, and how they sound where they are alone."""

    begin: int
    end: int
    solo_samples: int
    direction: NDArray[np.float32] | None


def _turn(
    begin: int,
    end: int,
    solo: Sequence[tuple[int, int]],
    window: NDArray[np.float32],
    networks: SpeakerNetworks,
) -> _Turn:
    heard = np.concatenate(
        [window[:0], *(window[max(first, begin) : min(stop, end)] for first, stop in solo)]
    )
    return _Turn(begin, end, len(heard), networks.embed(heard))


def _apart(turns: Sequence[_Turn]) -> Iterator[Sequence[_Turn]]:
    """Turns that the segmentation hears as one voice, apart if they sound as several people do."""
    telling = [each for each in turns if each.solo_samples >= _TELLING_SAMPLES]
    directions = [each.direction for each in telling if each.direction is not None]
    if len(directions) < 2:  # noqa: PLR2004 - one is like itself
        if turns:
            yield turns
        return
    weights = np.array([each.solo_samples for each in telling], np.float32)
    numbers = group(np.stack(directions), weights, _SPLIT_THRESHOLD)
    number = 0
    found: list[list[_Turn]] = [[] for _ in range(int(numbers.max()) + 1)]
    known = iter(numbers.tolist())
    # A turn too short to tell is of the person before it.
    for each in turns:
        number = next(known) if each.solo_samples >= _TELLING_SAMPLES else number
        found[number].append(each)
    yield from found


def _voice(turns: Sequence[_Turn], start_seconds: float) -> Voice:
    heard = [
        each.direction * np.float32(each.solo_samples)
        for each in turns
        if each.direction is not None
    ]
    solo_samples = sum(each.solo_samples for each in turns if each.direction is not None)
    return Voice(
        tuple(
            (_seconds(each.begin, start_seconds), _seconds(each.end, start_seconds))
            for each in turns
        ),
        solo_samples / RATE_HZ,
        embedding=as_bytes(np.stack(heard).sum(axis=0)) if heard else None,
    )


def as_bytes(direction: NDArray[np.float32]) -> bytes:
    """A direction as 192 signed bytes; its length is not kept."""
    scaled = direction * (_LARGEST_BYTE / np.abs(direction).max())
    found: bytes = np.rint(scaled).astype(np.int8).tobytes()
    return found


def _seconds(sample: int, start_seconds: float) -> float:
    return round(start_seconds + sample / RATE_HZ, _TIME_DECIMALS)


def _stretches(frames: NDArray[np.bool_], length: int) -> list[tuple[int, int]]:
    """Runs of frames in samples, joined over short pauses."""
    joined: list[tuple[int, int]] = []
    for begin, end in _runs(frames, length):
        if joined and begin - joined[-1][1] < _LONGEST_PAUSE_SAMPLES:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _runs(frames: NDArray[np.bool_], length: int) -> Iterator[tuple[int, int]]:
    """Runs of true frames as samples of a window of this length; the edge frames reach its ends."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]))).tolist()
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        begin = 0 if first == 0 else _edge(first)
        end = length if stop == len(frames) else _edge(stop)
        if begin < min(end, length):
            yield begin, min(end, length)


def _edge(frame: int) -> int:
    """The sample between a frame and the one before it."""
    return FIRST_CENTRE_SAMPLES + STEP_SAMPLES * frame - STEP_SAMPLES // 2
