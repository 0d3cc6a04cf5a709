"""Drift against a reference: an alert if there is drift, none if not, in any layout."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.run_outputs import run, write_speech
from support.unit_runs import Scripted, ref, settings, tones, transcribe, write

from beam_audio.errors import ConfigError
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact
from beam_audio.stream.drift import (
    MIN_REFERENCE_ROWS,
    Profile,
    Sample,
    alerts,
    compare,
    profile_of,
    read_profile,
    read_sample,
)
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.stream.drift import Drift

THRESHOLD = 0.25
MEASURES = ("snr_db", "avg_logprob", "language")
CODES = ("en", "de", "fr", None)


def sample_of(
    snr_db: Sequence[float | None],
    languages: Sequence[str | None] = (),
    recordings: Sequence[object] = (),
) -> Sample:
    """Segments with these values; each a recording of its own and English unless said otherwise."""
    count = len(snr_db)
    return Sample(
        {
            "snr_db": Counter(snr_db),
            "avg_logprob": Counter([-0.2] * count),
            "language": Counter(languages or ["en"] * count),
        },
        Counter(map(str, recordings or range(count))),
    )


def draw(
    random: np.random.Generator, rows: int, *, shift_db: float = 0.0, per_recording: int = 1
) -> Sample:
    """Segments of recordings at about 20 dB, one standard deviation being 6 dB."""
    recording = np.arange(rows) // per_recording
    snr_db = random.normal(20 + shift_db, 6, rows)[recording] + random.normal(0, 0.5, rows)
    silent = random.random(rows) < 0.05
    spoken = random.choice(len(CODES), p=[0.6, 0.25, 0.1, 0.05], size=rows)[recording]
    return sample_of(
        [None if no else round(float(db), 3) for no, db in zip(silent, snr_db, strict=True)],
        [CODES[index] for index in spoken],
        recording.tolist(),
    )


def drift_of(measure: str, profile: Profile, sample: Sample) -> Drift:
    return next(each for each in compare(profile, sample) if each.measure == measure)


VALUES = st.lists(
    st.one_of(st.none(), st.floats(-10, 60).map(lambda value: round(value, 3))), min_size=1
)


@given(VALUES, VALUES)
def test_any_two_samples_can_be_compared(before: list[float], now: list[float]) -> None:
    drifts = compare(profile_of(sample_of(before)), sample_of(now))
    assert tuple(each.measure for each in drifts) == MEASURES
    assert all(each.psi >= 0 and each.rows == len(now) for each in drifts)
    json.dumps([asdict(each) for each in drifts], sort_keys=True, allow_nan=False)


@given(VALUES)
def test_a_sample_does_not_drift_from_itself(values: list[float]) -> None:
    drifts = compare(profile_of(sample_of(values)), sample_of(values))
    assert {each.psi for each in drifts} == {0.0}
    assert alerts(drifts, 0.0) == ()


@given(VALUES, VALUES)
def test_samples_add_up(first: list[float], second: list[float]) -> None:
    start = len(first)
    other = sample_of(second, recordings=range(start, start + len(second)))
    assert sample_of(first) + other == sample_of(first + second)


@given(VALUES.filter(any))
def test_quantiles_are_values_and_in_order(values: list[float | None]) -> None:
    numbers = [value for value in values if value is not None]
    figures = drift_of("snr_db", profile_of(sample_of(values)), sample_of(values)).sample
    expected = np.quantile(numbers, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf")
    assert list(figures.quantiles.values()) == expected.tolist()
    assert figures.shares.get("null", 0.0) == pytest.approx(1 - len(numbers) / len(values))


def test_without_segments_there_is_no_drift() -> None:
    assert compare(profile_of(sample_of([1.0] * 200)), Sample()) == ()


@pytest.mark.parametrize("reference_rows", [MIN_REFERENCE_ROWS, 3000])
@pytest.mark.parametrize("per_recording", [1, 20])
def test_without_drift_there_is_no_alert(reference_rows: int, per_recording: int) -> None:
    random = np.random.default_rng(11)
    intervals = raised = 0
    for _ in range(20):
        profile = profile_of(draw(random, reference_rows))
        for rows in (5, 10, 20, 50, 100, 200, 500, 2000):
            intervals += 1
            sample = draw(random, rows, per_recording=per_recording)
            raised += bool(alerts(compare(profile, sample), THRESHOLD))
    assert raised < 0.01 * intervals


def test_a_shift_of_one_standard_deviation_is_found_in_a_hundred_rows() -> None:
    random = np.random.default_rng(12)
    profile = profile_of(draw(random, 1000))
    found = [
        alerts(compare(profile, draw(random, 100, shift_db=-6)), THRESHOLD) for _ in range(100)
    ]
    assert sum(any("snr_db" in each for each in messages) for messages in found) >= 97
    (message,) = (each for each in found[0] if "snr_db" in each)
    assert "over 100 segments" in message
    assert "threshold 0.25" in message
    assert "median 20" in message
    assert " dB" in message


def test_an_alert_names_the_languages_that_changed_most() -> None:
    profile = profile_of(sample_of([20.0] * 1000, ["en"] * 940 + ["de"] * 20 + ["fr"] * 40))
    now = sample_of([20.0] * 100, ["en"] * 55 + ["de"] * 41 + ["fr"] * 4)
    (message,) = alerts(compare(profile, now), THRESHOLD)
    assert message.startswith("language drifts: PSI 1.")
    assert message.endswith(": de 2.0% → 41.0%, en 94.0% → 55.0%, fr 4.0% → 4.0%")


@pytest.mark.parametrize("measure", ["snr_db", "language"])
def test_missing_values_are_drift(measure: str) -> None:
    profile = profile_of(sample_of([float(n % 40) for n in range(1000)]))
    snr_db = [None if n % 2 else float(n % 40) for n in range(200)]
    languages = [None if n % 2 else "en" for n in range(200)]
    now = {"snr_db": sample_of(snr_db), "language": sample_of([1.0] * 200, languages)}[measure]
    message = next(each for each in alerts(compare(profile, now), THRESHOLD) if measure in each)
    assert "null 0.0% → 50.0%" in message


@pytest.mark.parametrize("now", [-0.3, -0.1])
def test_a_value_that_nearly_all_segments_have_gets_its_own_bin(now: float) -> None:
    profile = profile_of(sample_of([-0.2] * 300))
    assert drift_of("snr_db", profile, sample_of([-0.2] * 100)).psi == 0.0
    assert drift_of("snr_db", profile, sample_of([now] * 100)).psi > 1.0


def test_segments_of_one_recording_count_as_one_row() -> None:
    profile = profile_of(sample_of([float(n % 40) for n in range(1000)]))
    alike = [3.0] * 300
    assert alerts(compare(profile, sample_of(alike)), THRESHOLD)
    one = sample_of(alike, recordings=["a"] * 300)
    assert one.effective_rows == 1.0
    assert not alerts(compare(profile, one), THRESHOLD)
    assert sample_of([1.0] * 4, recordings=["a", "a", "a", "b"]).effective_rows == 16 / 10


def test_the_profile_is_small_and_can_be_sent_to_workers() -> None:
    profile = profile_of(draw(np.random.default_rng(1), 5000))
    sent = pickle.dumps(profile)
    assert len(sent) < 4096
    assert pickle.loads(sent) == profile  # noqa: S301 - our own bytes


def counted(root: Path) -> Sample:
    return read_sample(str(root), list(read_commits(str(root))))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs over short speech: ``clean``, ``noisy``, and ``german`` without language folders."""
    root = tmp_path_factory.mktemp("drift")
    random = np.random.default_rng(2)
    (root / "noise").mkdir()
    for number in range(160):
        path = write_speech(root / "speech" / f"{number}.wav", number / 40, 3.0)
        samples, rate_hz = soundfile.read(path, dtype="float32")
        noise = random.normal(0, 0.02, len(samples)).astype(np.float32)
        if number % 2:
            soundfile.write(root / "noise" / path.name, samples + noise, rate_hz, "PCM_16")
    run(input=root / "speech", output=root / "clean")
    run(input=root / "noise", output=root / "noisy")
    run(input=root / "speech", output=root / "german", language="de", partition_by="date")
    return root


def test_noise_is_drift_of_snr(runs: Path) -> None:
    profile = read_profile(str(runs / "clean"))
    assert alerts(compare(profile, counted(runs / "clean")), THRESHOLD) == ()
    (message,) = alerts(compare(profile, counted(runs / "noisy")), THRESHOLD)
    assert message.startswith("snr_db drifts")


def test_languages_are_read_from_folders_and_from_columns(runs: Path) -> None:
    clean, german = counted(runs / "clean"), counted(runs / "german")
    assert clean.counts["language"] == {"en": clean.rows}
    assert german.counts["language"] == {"de": german.rows}
    assert german.counts["snr_db"] == clean.counts["snr_db"]
    for reference, sample in (("clean", german), ("german", clean)):
        (message,) = alerts(compare(read_profile(str(runs / reference)), sample), THRESHOLD)
        assert message.startswith("language drifts")


def test_an_interval_is_read_by_its_units(runs: Path) -> None:
    commits = list(read_commits(str(runs / "clean")))
    assert len(commits) > 1
    units = [read_sample(str(runs / "clean"), [commit]) for commit in commits]
    assert [each.rows for each in units] == [commit.rows["segments"] for commit in commits]
    assert sum(units, start=Sample()) == counted(runs / "clean")


def test_merged_files_and_left_over_ones_change_nothing(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(runs / "clean", out)
    commits = list(read_commits(str(out)))
    before = [read_sample(str(out), [commit]) for commit in commits]
    some = next((out / "segments").rglob("part-*.parquet"))
    shutil.copy(some, some.with_name("part-left-over.parquet"))
    assert counted(out) == counted(runs / "clean")
    compact(str(out))
    assert [read_sample(str(out), [commit]) for commit in read_commits(str(out))] == before
    assert read_profile(str(out)) == read_profile(str(runs / "clean"))


def hear(language: str | None) -> Callable[[Request], Transcript]:
    return lambda _: Transcript("so", language, avg_logprob=-0.12312)


@pytest.mark.parametrize("partition_by", [("date", "language"), ("language",), ("date",), ()])
def test_a_segment_without_a_language_is_counted_as_such(
    tmp_path: Path, partition_by: tuple[str, ...]
) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3])))
    using = settings(partition_by=partition_by)
    transcribe(tmp_path / "out", source, using=using, recognizer=Scripted(hear(None)))
    sample = counted(tmp_path / "out")
    assert sample.counts["language"] == {None: 3}
    assert sample.counts["avg_logprob"] == {-0.123: 3}
    assert list(sample.recordings.values()) == [3]


def test_a_reference_without_an_output_is_refused_by_its_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--drift_reference=.*none holds no committed segments"):
        read_profile(str(tmp_path / "none"))


def test_a_reference_that_is_too_small_is_refused_with_the_size_needed(tmp_path: Path) -> None:
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tones([0.1] * 30))))
    with pytest.raises(
        ConfigError, match=r"--drift_reference=.*30 segments of 1 .* 100 are needed"
    ):
        read_profile(str(tmp_path / "out"))
