"""Every decoded sample of a unit has one destination, and its rows say which."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support.unit_runs import (
    RATE_HZ,
    VAD,
    Scripted,
    destinations,
    hear_loudness,
    is_loud,
    read,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    write,
)

from beam_audio.errors import ModelError
from beam_audio.output.ledger import read_ledger
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr import Request
    from beam_audio.unit.tasks import Input

SPEECH = speech()

Pieces = list[tuple[str, float]]

layouts = st.lists(
    st.tuples(
        st.sampled_from(["sine", "silence", "noise", "speech", "loud"]),
        st.floats(0.05, 1.5, allow_nan=False),
    ),
    max_size=5,
)


def build(pieces: Pieces, rate_hz: int, channels: int) -> NDArray[np.float32]:
    """Samples of shape (n, channels); the second channel is the first one backwards."""
    random = np.random.default_rng(0)
    parts = [np.zeros(0, np.float32)]
    for kind, seconds in pieces:
        count = round(seconds * rate_hz)
        tone = tones([0.3, 0.3], rate_hz)[:count]
        part = {
            "sine": tone,
            "loud": tone * 3.2,
            "silence": np.zeros(count),
            "noise": random.standard_normal(count) * 0.05,
            "speech": soxr.resample(SPEECH, RATE_HZ, rate_hz)[:count],
        }[kind]
        parts.append(part.astype(np.float32))
    mono = np.concatenate(parts)
    return np.stack([mono, mono[::-1]][:channels], axis=1)


def judge(request: Request) -> Transcript:
    """Refuses loud clips and doubts quiet ones, so that samples go to every destination."""
    if is_loud(request):
        raise ModelError("too loud")
    text = hear_loudness(request).text
    return Transcript(text, "en", avg_logprob=-0.1 if text else -2.0)


@given(
    recordings=st.lists(
        st.tuples(layouts, st.sampled_from([8000, 11025, 16000, 44100]), st.integers(1, 2)),
        min_size=1,
        max_size=2,
    ),
    segments=st.sampled_from(
        [
            VAD,
            SegmentSettings(segmenter="fixed", window_seconds=1.0),
            SegmentSettings(segmenter="fixed", window_seconds=1.7, overlap_seconds=1.0),
        ]
    ),
    channels=st.sampled_from(["mix", "split", 0, 1]),
)
@hypothesis_settings(max_examples=30)
def test_every_decoded_sample_has_one_destination(
    tmp_path_factory: pytest.TempPathFactory,
    recordings: list[tuple[Pieces, int, int]],
    segments: SegmentSettings,
    channels: Any,  # noqa: ANN401
) -> None:
    folder = tmp_path_factory.mktemp("conservation")
    inputs: list[Input] = []
    frames = {}
    for number, (pieces, rate_hz, count) in enumerate(recordings):
        samples = build(pieces, rate_hz, count)
        path = write(folder / f"{number}.wav", samples, rate_hz)
        inputs.append(ref(path))
        frames[str(path)] = len(samples)
    out = folder / "out"
    using = settings(segments=segments, channels=channels, batch_seconds=5.0)
    transcribe(out, *inputs, recognizer=Scripted(judge), using=using)

    spans: dict[str, list[tuple[int, int, str]]] = {}
    rates = {row["recording_id"]: row["sample_rate_hz"] for row in read(out, "recordings")}
    for row in read(out, "segments"):
        rate_hz = rates[row["recording_id"]]
        span = round(row["core_start_seconds"] * rate_hz), round(row["core_end_seconds"] * rate_hz)
        spans.setdefault(row["recording_id"], []).append((*span, row["decision"]))
        assert row["start_seconds"] <= row["core_start_seconds"] < row["core_end_seconds"]
        assert row["core_end_seconds"] <= row["end_seconds"]
    for row in read(out, "failures"):
        if row["unit"] == "segment":
            rate_hz = rates[row["recording_id"]]
            span = round(row["start_seconds"] * rate_hz), round(row["end_seconds"] * rate_hz)
            spans.setdefault(row["recording_id"], []).append((*span, "failed"))
    for row in read(out, "recordings"):
        decoded = round(row["decoded_seconds"] * row["sample_rate_hz"])
        own = sorted(spans.get(row["recording_id"], []))
        assert decoded == frames[row["uri"]] == sum(destinations(row).values())
        assert all(end <= start for (_, end, _), (start, _, _) in pairwise(own))
        assert all(0 <= start < end <= decoded for start, end, _ in own)
        for name in ("keep", "review", "drop", "failed"):
            cores = sum(end - start for start, end, destination in own if destination == name)
            assert destinations(row)[name] == cores
        if segments.segmenter == "fixed":
            assert row["skipped_samples"] == 0
    ledger = read_ledger(str(out), [item.source_id for item in inputs])
    assert ledger.balances


@pytest.mark.shared
def test_real_files_in_odd_and_broken_formats_all_end_as_rows(
    tmp_path: Path, shared_data: Path
) -> None:
    found = sorted(
        path
        for folder in ("formats", "malformed")
        for path in (shared_data / folder).iterdir()
        if path.is_file() and path.stat().st_size < 80_000
    )
    inputs = [ref(path) for path in found]
    transcribe(tmp_path, *inputs, using=settings(segments=VAD, channels="split"))
    ended = {row["uri"] for table in ("recordings", "failures") for row in read(tmp_path, table)}
    assert ended == {str(path) for path in found}
    for row in read(tmp_path, "recordings"):
        assert sum(destinations(row).values()) == round(
            row["decoded_seconds"] * row["sample_rate_hz"]
        )
    ledger = read_ledger(str(tmp_path), [item.source_id for item in inputs])
    assert ledger.balances
    assert ledger.recordings > 50
    assert sum(ledger.failures.values()) > 10


def test_split_channels_are_two_recordings_and_their_time_counts_once(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.1, 0.2, 0.3]), tones([0.5, 0.0, 0.0])], axis=1)
    source = ref(write(tmp_path / "a.wav", stereo))
    report = transcribe(tmp_path / "out", source, using=settings(channels="split"))
    first, second = sorted(read(tmp_path / "out", "recordings"), key=lambda row: row["channel"])
    assert (first["channel"], second["channel"]) == (0, 1)
    assert first["recording_id"] != second["recording_id"]
    assert first["source_id"] == second["source_id"] == source.source_id
    assert first["content_sha256"] == second["content_sha256"]
    assert first["text"] != second["text"]
    assert [sum(destinations(row).values()) for row in (first, second)] == [3 * RATE_HZ] * 2
    assert {row["channel"] for row in read(tmp_path / "out", "segments")} == {0, 1}
    assert report.commit.decoded_seconds == 3.0
    ledger = read_ledger(str(tmp_path / "out"), [source.source_id])
    assert ledger.decoded_seconds == 3.0
    assert ledger.balances
