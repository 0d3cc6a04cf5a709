"""A recording and what sounds in it, whatever it is handed over as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.project import ROOT
from support.small_classifiers import write_clap, write_huggingface, write_yamnet

import beam_audio
from beam_audio.classifiers.load import load_classifier
from beam_audio.errors import InputError
from beam_audio.types import Audio
from beam_audio.unit.classification import classify

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 8_000
RIVER = ROOT / "beam_audio" / "data" / "demo" / "river.wav"


def steps(*sizes: float, seconds: float) -> np.ndarray:
    """A signal that holds each value for a while."""
    return np.repeat(np.array(sizes, np.float32), round(seconds * RATE_HZ))


def test_labels_are_those_of_pipelines(tmp_path: Path) -> None:
    found = classify(RIVER, model=write_huggingface(tmp_path), most_labels=2)
    assert found.labels[0]["label"] == "one"
    assert found.labels[0]["score"] == pytest.approx(np.e / (2 + np.e), abs=0.001)
    assert len(found.labels) == 2


def test_samples_bytes_files_and_paths_are_the_same(tmp_path: Path) -> None:
    model = load_classifier(write_huggingface(tmp_path / "model"))
    path = tmp_path / "clip.wav"
    samples = steps(0.25, -0.25, seconds=0.5)
    soundfile.write(path, samples, RATE_HZ)
    expected = classify(samples, model=model, sample_rate_hz=RATE_HZ)
    assert classify(Audio(samples, RATE_HZ), model=model) == expected
    assert classify(str(path), model=model) == expected
    assert classify(path.read_bytes(), model=model) == expected
    with path.open("rb") as file:
        assert classify(file, model=model) == expected


def test_a_long_recording_is_heard_in_pieces(tmp_path: Path) -> None:
    """The rest of 0.6 s is heard with the second minute, in three parts."""
    model = write_huggingface(tmp_path, problem_type="regression")
    samples = steps(0.0, 0.5, 1.0, seconds=40.2)
    found = classify(samples, model=model, sample_rate_hz=RATE_HZ)
    assert found.duration_seconds == pytest.approx(120.6)
    means = [each for each in found.events if each.label == "mean"]
    times = [(each.start_seconds, each.end_seconds) for each in means]
    assert times == [(0.0, 60.0), (60.0, pytest.approx(120.6))]
    assert means[0].score == pytest.approx(0.5 * 19.8 / 60, abs=0.001)
    assert means[1].score == pytest.approx((0.5 * 20.4 + 40.2) / 60.6, abs=0.001)


def test_candidate_labels_are_heard_by_a_clap(tmp_path: Path) -> None:
    samples = np.zeros(RATE_HZ, np.float32)
    found = classify(
        samples,
        model=write_clap(tmp_path),
        candidate_labels=["high", "low"],
        sample_rate_hz=RATE_HZ,
    )
    assert [each["label"] for each in found.labels] == ["low", "high"]
    assert found.sort is None


def test_no_samples_have_no_events(tmp_path: Path) -> None:
    model = write_yamnet(tmp_path)
    found = classify(np.zeros(0, np.float32), model=model, sample_rate_hz=RATE_HZ)
    assert (found.events, found.duration_seconds) == ((), 0.0)


def test_a_cut_recording_is_classified_with_a_warning(tmp_path: Path) -> None:
    model = load_classifier(write_huggingface(tmp_path / "model"))
    samples = np.random.default_rng(0).standard_normal(8 * RATE_HZ) * 0.1
    soundfile.write(tmp_path / "whole.flac", samples, RATE_HZ)
    content = (tmp_path / "whole.flac").read_bytes()
    with pytest.warns(UserWarning, match="heard in part"):
        found = classify(content[: len(content) // 2], model=model)
    assert 0 < found.duration_seconds < 8


def test_samples_need_their_rate_and_others_have_one(tmp_path: Path) -> None:
    model = write_yamnet(tmp_path)
    with pytest.raises(InputError, match="pass sample_rate_hz="):
        classify(np.zeros(10, np.float32), model=model)
    with pytest.raises(InputError, match="is for samples"):
        classify(RIVER, model=model, sample_rate_hz=RATE_HZ)


def test_it_is_a_public_name() -> None:
    assert beam_audio.classify is classify
    assert beam_audio.load_classifier is load_classifier
