"""What sounds in a clip: labels, events, and whether it is speech, music or something else.

A model has one network, or two that hear the same clip: YAMNet knows 521 sounds, and FireRedVAD's
event model hears speech below other sounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from beam_audio.classifiers.fireredvad import FireRedVad
from beam_audio.classifiers.heard import MOST_LABELS, events, top_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.classifiers.heard import Classifier, Heard, LabelScore
    from beam_audio.types import AudioEvent

Sort = Literal["speech", "music", "other"]

BORDER: Final = 0.5
"""From this score on a clip is speech, above it music, whichever network it is from."""

# The score of a label that is the border, measured by benchmarks/classify.py.
_SPEECH_FROM: Final = 0.1
_SPEECH_FROM_FRAMES: Final = 0.35
_MUSIC_FROM: Final = 0.37
_MUSIC_FROM_FRAMES: Final = 0.7
# Steady sounds of engines are music to YAMNet, and hardly to the other network.
_MOST_MUSIC_PER_FRAMES: Final = 4.0


@dataclass(frozen=True, slots=True)
class SoundModel:
    """A loaded model.

    Attributes:
        name: What messages call it.
        networks: One, or two that hear the same clips; labels are those of the first.
    """

    name: str
    networks: tuple[Classifier, ...]

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the clips."""
        return self.networks[0].sample_rate_hz

    def hear(self, clip: NDArray[np.float32]) -> tuple[Heard, ...]:
        """What each network hears in a clip, float32 of shape (n,) with n > 0."""
        return tuple(network.hear(clip) for network in self.networks)

    def events(self, heard: Sequence[Heard], start_seconds: float = 0.0) -> list[AudioEvent]:
        """Events in order of time; of a label that two networks know, those of the second.

        Args:
            heard: What :meth:`hear` returned.
            start_seconds: Start of the clip.
        """
        return sorted(
            chain.from_iterable(self._events(heard, start_seconds)),
            key=lambda each: (each.start_seconds, each.end_seconds, each.label),
        )

    def _events(
        self, heard: Sequence[Heard], start_seconds: float
    ) -> Iterator[Iterator[AudioEvent]]:
        later = {label for network in self.networks[1:] for label in network.labels}
        for place, (network, each) in enumerate(zip(self.networks, heard, strict=True)):
            found = events(each, network.labels, network.events, start_seconds)
            yield (event for event in found if place > 0 or event.label not in later)


@dataclass(slots=True)
class Totals:
    """Sums of scores over the windows of clips that follow each other."""

    model: SoundModel
    _sums: list[NDArray[np.float64]] = field(init=False, repr=False)
    _windows: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sums = [np.zeros(len(network.labels)) for network in self.model.networks]
        self._windows = [0 for _ in self.model.networks]

    def add(self, heard: Sequence[Heard]) -> None:
        """Add what was heard in the next clip."""
        for place, each in enumerate(heard):
            self._sums[place] += each.values.sum(axis=0, dtype=np.float64)
            self._windows[place] += len(each.values)

    @property
    def _means(self) -> list[NDArray[np.float64]]:
        return [
            total / max(count, 1) for total, count in zip(self._sums, self._windows, strict=True)
        ]

    def top(self, most: int = MOST_LABELS) -> list[LabelScore]:
        """The labels with the highest mean scores, the highest first."""
        return top_labels(self.model.networks[0].labels, self._means[0], most)

    @property
    def speech_score(self) -> float | None:
        """How much of it is speech, see :data:`BORDER`; None if no network knows speech."""
        scores = [
            found / (_SPEECH_FROM_FRAMES if is_frames else _SPEECH_FROM)
            for found, is_frames in self._of("Speech")
        ]
        return _to_border(max(scores)) if scores else None

    @property
    def music_score(self) -> float | None:
        """How much of it is music, see :data:`BORDER`; None if no network knows music."""
        found = {is_frames: score for score, is_frames in self._of("Music")}
        if not found:
            return None
        if False not in found:
            return _to_border(found[True] / _MUSIC_FROM_FRAMES)
        most = _MOST_MUSIC_PER_FRAMES * found.get(True, 1.0)
        return _to_border(min(found[False], most) / _MUSIC_FROM)

    def _of(self, label: str) -> Iterator[tuple[float, bool]]:
        """The mean score of a label in each network that has it, and if that is FireRedVAD's."""
        for network, means in zip(self.model.networks, self._means, strict=True):
            if label in network.labels:
                yield float(means[network.labels.index(label)]), isinstance(network, FireRedVad)


def sort_of(speech_score: float | None, music_score: float | None) -> Sort | None:
    """What a clip is: speech where somebody speaks, whatever sounds beside it.

    Returns:
        None if nothing is known of speech or of music.
    """
    if speech_score is None or music_score is None:
        return None
    if speech_score >= BORDER:
        return "speech"
    return "music" if music_score > BORDER else "other"


def _to_border(times_border: float) -> float:
    return min(1.0, BORDER * times_border)
