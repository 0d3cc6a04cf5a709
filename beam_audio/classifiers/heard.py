"""What a classifier heard in a clip, window by window, and the labels and events in that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypedDict

import numpy as np

from beam_audio.types import AudioEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_QUIET_PEAK: Final = 0.05
_AUDIBLE_PEAK: Final = 0.1
_MOST_GAIN: Final = 100.0

MOST_LABELS: Final = 5
"""Labels that are given of a clip, as pipelines of Hugging Face give them."""


class LabelScore(TypedDict):
    """A label and its score, as pipelines of Hugging Face write them."""

    label: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Scores over the windows of a clip.

    Attributes:
        values: Shape (windows, labels), from 0 to 1.
        window_seconds: Length of a window.
        hop_seconds: From the start of a window to that of the next.
    """

    values: NDArray[np.float32] = field(repr=False)
    window_seconds: float
    hop_seconds: float


@dataclass(frozen=True, slots=True)
class EventSettings:
    """When a label is an event.

    Attributes:
        thresholds: Least score, one for each label, or one for all.
        smoothed_windows: How many windows a score is the mean of, an odd number.
        shortest_windows: What is shorter is no event.
        most_labels: Of how many labels, the ones with the highest mean scores, events are kept.
    """

    thresholds: tuple[float, ...]
    smoothed_windows: int = 1
    shortest_windows: int = 1
    most_labels: int | None = None


class Classifier(Protocol):
    """A loaded network that scores labels.

    Attributes:
        labels: Names of the labels, in the order of the scores.
        sample_rate_hz: The rate of the clips.
        events: When a label is an event.
    """

    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102 - above

    @property
    def sample_rate_hz(self) -> int: ...  # noqa: D102 - above

    @property
    def events(self) -> EventSettings: ...  # noqa: D102 - above

    def hear(self, clip: NDArray[np.float32]) -> Heard:
        """Score a clip, float32 of shape (n,) with n > 0, full scale 1.0."""


def audible(clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """A clip (n,) whose peak is below 0.05, made louder; others as they are.

    Networks for sounds are deaf to what is quiet: a whisper is silence to them.
    """
    peak = float(np.max(np.abs(clip), initial=0.0))
    if not 0.0 < peak < _QUIET_PEAK:
        return clip
    return clip * np.float32(min(_AUDIBLE_PEAK / peak, _MOST_GAIN))


def top_labels(
    labels: tuple[str, ...], scores: NDArray[np.floating], most: int = MOST_LABELS
) -> list[LabelScore]:
    """The labels with the highest scores, the highest first; equal ones in the order of labels."""
    places = np.argsort(-scores, kind="stable")[:most]
    return [{"label": labels[place], "score": float(scores[place])} for place in places]


def events(
    heard: Heard, labels: tuple[str, ...], settings: EventSettings, start_seconds: float = 0.0
) -> Iterator[AudioEvent]:
    """Stretches of windows in which a label has at least its threshold, in order of labels.

    Args:
        heard: The scores.
        labels: Names of its labels.
        settings: When a label is an event.
        start_seconds: Start of the clip.
    """
    values = _smoothed(heard.values, settings.smoothed_windows)
    is_on = values >= np.asarray(settings.thresholds, np.float32)
    for place in _places(values, is_on, settings.most_labels):
        for first, stop in _runs(is_on[:, place]):
            if stop - first >= settings.shortest_windows:
                yield AudioEvent(
                    labels[place],
                    float(heard.values[first:stop, place].mean()),
                    start_seconds + first * heard.hop_seconds,
                    start_seconds + (stop - 1) * heard.hop_seconds + heard.window_seconds,
                )


def _places(
    values: NDArray[np.float32], is_on: NDArray[np.bool_], most: int | None
) -> NDArray[np.intp]:
    """The labels that are looked at, in order."""
    heard: NDArray[np.intp] = np.flatnonzero(is_on.any(axis=0))
    if most is None or len(heard) <= most:
        return heard
    best = np.argsort(-values[:, heard].mean(axis=0), kind="stable")[:most]
    return np.sort(heard[best])


def _runs(is_on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True as (first, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_on, [False]]).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _smoothed(values: NDArray[np.float32], windows: int) -> NDArray[np.float32]:
    """Means over neighbouring windows; at the edges over those there are."""
    if windows == 1 or len(values) < windows:
        return values
    ones = np.ones(windows)
    counts = np.convolve(np.ones(len(values)), ones, mode="same")
    summed = [np.convolve(column, ones, mode="same") for column in values.T]
    return (np.stack(summed, axis=1) / counts[:, np.newaxis]).astype(np.float32)
