"""A unit in a plain loop: a failure costs only itself, and the report says what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    RATE_HZ,
    Scripted,
    destinations,
    fail_when_loud,
    read,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.output.ledger import read_ledger
from beam_audio.quality.signal import measure
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import AudioRef, Failure, Quality, Segment

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.quality.levels import Level


@pytest.mark.parametrize("batch_seconds", [1.0, 3.0, 1000.0])
def test_a_clip_that_cannot_be_recognised_costs_itself_only(
    tmp_path: Path, batch_seconds: float
) -> None:
    overlapping = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=1.0)
    using = settings(segments=overlapping, batch_seconds=batch_seconds)
    loud_end = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4, 0.95])))
    other = ref(write(tmp_path / "b.wav", tones([0.5, 0.6, 0.05])))
    transcribe(tmp_path / "healthy", loud_end, other, using=using)
    transcribe(tmp_path / "out", loud_end, other, recognizer=Scripted(fail_when_loud), using=using)

    healthy = {row["segment_id"]: row for row in read(tmp_path / "healthy", "segments")}
    rows = {row["segment_id"]: row for row in read(tmp_path / "out", "segments")}
    (failure,) = read(tmp_path / "out", "failures")
    lost = healthy.pop(failure["segment_id"])
    assert rows == healthy
    assert (lost["start_seconds"], lost["end_seconds"]) == (3.0, 5.0)
    assert (failure["start_seconds"], failure["end_seconds"]) == (3.5, 5.0)
    assert (failure["unit"], failure["stage"]) == ("segment", "recognise")
    assert (failure["error_type"], failure["message"]) == ("ValueError", "this clip hurts")
    assert failure["recording_id"] == lost["recording_id"]
    failed = {row["uri"]: row["failed_samples"] for row in read(tmp_path / "out", "recordings")}
    assert failed == {loud_end.uri: round(1.5 * RATE_HZ), other.uri: 0}
    assert read_ledger(str(tmp_path / "out"), [loud_end.source_id, other.source_id]).balances


def test_inputs_that_cannot_be_read_or_decoded_cost_themselves(tmp_path: Path) -> None:
    good = ref(write(tmp_path / "good.wav", tones([0.1, 0.2])))
    junk_path = tmp_path / "junk.wav"
    junk_path.write_bytes(b"RIFF" + bytes(range(256)) * 8)
    junk = ref(junk_path)
    missing = AudioRef(str(tmp_path / "missing.wav"), 100)
    line = Failure(
        "input", "read", "line", str(tmp_path / "list.jsonl"), "InputError", "line 3: no"
    )
    transcribe(tmp_path / "alone", good)
    report = transcribe(tmp_path / "out", junk, missing, good, line)
    for table in ("segments", "recordings"):
        assert read_all(tmp_path / "out")[table] == read_all(tmp_path / "alone")[table]
    failures = {row["uri"]: row for row in read(tmp_path / "out", "failures")}
    found = {uri: (row["unit"], row["stage"], row["error_type"]) for uri, row in failures.items()}
    assert found == {
        junk.uri: ("recording", "decode", "DecodeError"),
        missing.uri: ("input", "open", "InputError"),
        line.uri: ("input", "read", "InputError"),
    }
    broken = {junk.source_id, missing.source_id, "line"}
    assert report.commit.sources_that("failed") == broken
    ledger = read_ledger(str(tmp_path / "out"), [*broken, good.source_id])
    assert ledger.balances
    assert ledger.undecoded == broken


def test_a_recording_that_fails_midway_leaves_no_rows_of_its_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first segments are recognised before it fails."""
    fine = ref(write(tmp_path / "fine.wav", tones([0.1, 0.2])))
    bad = ref(write(tmp_path / "bad.wav", tones([0.1] * 40)))

    def dying(measured: Segment, level: Level) -> Quality:
        if measured.start_sample >= 20 * RATE_HZ:
            raise OSError("the disk died")
        return measure(measured, level)

    monkeypatch.setattr("beam_audio.unit.measured.measure", dying)
    recognizer = Scripted()
    using = settings(batch_seconds=2.0, isolate_decoding=False)
    transcribe(tmp_path / "out", bad, fine, recognizer=recognizer, using=using)
    assert sum(map(len, recognizer.batches)) > 2
    assert {row["uri"] for row in read(tmp_path / "out", "segments")} == {fine.uri}
    (failure,) = read(tmp_path / "out", "failures")
    assert (failure["unit"], failure["message"]) == ("recording", "the disk died")
    ledger = read_ledger(str(tmp_path / "out"), [bad.source_id, fine.source_id])
    assert ledger.balances
    assert ledger.undecoded == {bad.source_id}


def test_a_damaged_recording_goes_on_and_says_how_much_is_silence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(10 * RATE_HZ).astype(np.float32) * 0.1
    path = write(tmp_path / "a.flac", noise)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)
    transcribe(tmp_path / "out", ref(path))
    (row,) = read(tmp_path / "out", "recordings")
    assert row["decode_status"] == "concealed"
    assert "damaged_packets" in row["reasons"]
    assert row["decoded_seconds"] == 10.0
    assert 0 < row["concealed_seconds"] < 0.6
    assert sum(destinations(row).values()) == 10 * RATE_HZ
    assert read(tmp_path / "out", "failures") == []


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_a_truncated_recording_keeps_its_start_and_says_so(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).standard_normal(10 * RATE_HZ).astype(np.float32) * 0.1
    path = write(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = ref(path)
    report = transcribe(tmp_path / "out", source)
    (row,) = read(tmp_path / "out", "recordings")
    (failure,) = read(tmp_path / "out", "failures")
    assert row["decode_status"] == "truncated"
    assert "truncated" in row["reasons"]
    assert row["header_seconds"] == 10.0
    assert 4.5 < row["decoded_seconds"] < 5.1
    assert sum(destinations(row).values()) == round(row["decoded_seconds"] * RATE_HZ)
    assert (failure["unit"], failure["stage"]) == ("recording", "decode")
    assert failure["recording_id"] == row["recording_id"]
    assert failure["error_type"] == "DecodeError"
    assert failure["message"]
    assert not report.commit.sources_that("failed")
    assert read_ledger(str(tmp_path / "out"), [source.source_id]).failures == {
        ("recording", "decode", "DecodeError"): 1
    }
