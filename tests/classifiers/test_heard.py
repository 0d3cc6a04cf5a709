"""Labels and events out of scores by window."""

from __future__ import annotations

import numpy as np
import pytest

from beam_audio.classifiers.heard import EventSettings, Heard, audible, events, top_labels
from beam_audio.types import AudioEvent

LABELS = ("a", "b", "c")


def heard(*rows: list[float], window_seconds: float = 1.0, hop_seconds: float = 0.5) -> Heard:
    return Heard(np.array(rows, np.float32), window_seconds, hop_seconds)


def test_the_highest_labels_come_first_and_equal_ones_in_order() -> None:
    found = top_labels(LABELS, np.array([0.25, 0.5, 0.25]), 2)
    assert found == [{"label": "b", "score": 0.5}, {"label": "a", "score": 0.25}]


def test_an_event_lasts_as_long_as_its_label_is_above_its_threshold() -> None:
    scores = heard([0.5, 0], [0.75, 0], [0.25, 1], [0.5, 0])
    found = [*events(scores, LABELS[:2], EventSettings((0.5, 0.9)), 10.0)]
    assert found == [
        AudioEvent("a", 0.625, 10.0, 11.5),
        AudioEvent("a", 0.5, 11.5, 12.5),
        AudioEvent("b", 1.0, 11.0, 12.0),
    ]


def test_no_event_is_in_silence() -> None:
    assert not [*events(heard([0, 0, 0]), LABELS, EventSettings((0.1,)))]


def test_short_stretches_are_no_events() -> None:
    scores = heard([1.0], [0.0], [1.0], [1.0])
    (found,) = events(scores, ("a",), EventSettings((0.5,), shortest_windows=2))
    assert found.start_seconds == 1.0


def test_gaps_of_a_window_are_smoothed_away() -> None:
    scores = heard([1.0], [1.0], [0.0], [1.0], [1.0])
    (found,) = events(scores, ("a",), EventSettings((0.5,), smoothed_windows=3))
    assert (found.start_seconds, found.end_seconds) == (0.0, 3.0)
    assert found.score == pytest.approx(0.8)


def test_events_are_kept_of_the_highest_labels() -> None:
    scores = heard([0.1, 0.3, 0.2])
    found = events(scores, LABELS, EventSettings((0.0,), most_labels=2))
    assert [event.label for event in found] == ["b", "c"]


def test_quiet_clips_are_made_louder_and_others_are_not() -> None:
    clip = np.array([0.01, -0.02, 0.0], np.float32)
    assert audible(clip) == pytest.approx(5 * clip)
    assert audible(clip / 1e5) == pytest.approx(clip / 1e3)
    for same in (10 * clip, 0 * clip, clip[:0]):
        assert np.array_equal(audible(same), same)
