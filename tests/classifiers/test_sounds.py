"""Scores of speech and music, what they decide, and the events of two networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.small_classifiers import write_huggingface, write_yamnet

from beam_audio.classifiers.load import load_classifier
from beam_audio.classifiers.sounds import Totals, sort_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.classifiers.sounds import SoundModel


def totals(model: SoundModel, *clips: np.ndarray) -> Totals:
    found = Totals(model)
    for clip in clips:
        found.add(model.hear(clip))
    return found


def test_the_border_of_speech_is_a_tenth_of_its_label(tmp_path: Path) -> None:
    model = load_classifier(write_yamnet(tmp_path))
    for size, expected in ((0.05, 0.25), (0.1, 0.5), (0.9, 1.0)):
        clip = np.full(15_600, size, np.float32)
        assert totals(model, clip).speech_score == pytest.approx(expected, abs=1e-4)


def test_scores_are_means_over_the_windows_of_all_clips(tmp_path: Path) -> None:
    model = load_classifier(write_yamnet(tmp_path))
    loud, quiet = np.full(15_600, 0.4, np.float32), np.zeros(15_600 + 7_800, np.float32)
    found = totals(model, loud, quiet).top()
    assert [each["label"] for each in found] == ["Music", "Speech"]
    assert [each["score"] for each in found] == pytest.approx([2.6 / 3, 0.4 / 3], abs=1e-4)


def test_a_model_that_knows_neither_speech_nor_music_has_no_scores(tmp_path: Path) -> None:
    found = totals(load_classifier(write_huggingface(tmp_path)), np.zeros(8_000, np.float32))
    assert found.speech_score is found.music_score is None
    assert sort_of(found.speech_score, found.music_score) is None


@pytest.mark.parametrize(
    ("speech", "music", "expected"),
    [(0.5, 1.0, "speech"), (0.49, 0.51, "music"), (0.49, 0.5, "other"), (None, 0.9, None)],
)
def test_speech_is_speech_whatever_sounds_beside_it(
    speech: float | None, music: float, expected: str | None
) -> None:
    assert sort_of(speech, music) == expected


@pytest.mark.shared
def test_recordings_are_told_apart(
    given_models: Path, clip_of: Callable[[str], np.ndarray], expected_of: dict[str, Any]
) -> None:
    model = load_classifier(given_models)
    others = ("noise/", "silence/")
    for name in expected_of:
        found = totals(model, clip_of(name)[: 10 * model.sample_rate_hz])
        sort = sort_of(found.speech_score, found.music_score)
        assert sort == ("other" if name.startswith(others) else "speech"), name


@pytest.mark.shared
def test_events_of_a_label_that_both_know_are_those_of_the_finer_one(
    given_models: Path, clip_of: Callable[[str], np.ndarray]
) -> None:
    model = load_classifier(given_models)
    clip = clip_of("librispeech/1688-142285-0003.flac")
    found = model.events(model.hear(clip), 100.0)
    speech = [event for event in found if event.label == "Speech"]
    assert all(round(100 * event.start_seconds, 6).is_integer() for event in speech)
    seconds = sum(each.end_seconds - each.start_seconds for each in speech)
    assert seconds == pytest.approx(3.6, abs=0.3)
    assert min(each.start_seconds for each in found) >= 100.0
    assert max(each.end_seconds for each in found) <= 100.0 + len(clip) / 16_000
