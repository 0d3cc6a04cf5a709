"""A unit in a plain loop: what fails costs itself only, and the report says what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from unit_runs import (
    PLACEHOLDER,
    RATE_HZ,
    WINDOWS,
    Scripted,
    destinations,
    fail_when_loud,
    files,
    read,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.errors import ModelError
from beam_audio.ledger import read_ledger
from beam_audio.metrics import measure
from beam_audio.recognition import seed_of
from beam_audio.segment import SegmentSettings
from beam_audio.types import AudioRef, Failure, Quality, Segment, Transcript
from beam_audio.unit import Progress, transcribe_unit

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request


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


def test_an_error_without_words_is_still_told(tmp_path: Path) -> None:
    def stop(request: Request) -> Transcript:
        if request.samples.any():
            raise MemoryError
        return Transcript("")

    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(stop))
    (failure,) = read(tmp_path / "out", "failures")
    assert failure["message"] == "MemoryError()"


def test_a_recogniser_that_fails_on_everything_stops_the_unit(tmp_path: Path) -> None:
    def crash(_: Request) -> Transcript:
        raise RuntimeError("device lost")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    with pytest.raises(ModelError, match=r"silence included.*device lost"):
        transcribe(tmp_path / "out", source, recognizer=Scripted(crash))
    assert files(tmp_path / "out") == {}
    transcribe(tmp_path / "out", source)
    assert len(read(tmp_path / "out", "segments")) == 2


def test_a_recogniser_that_dies_midway_stops_the_unit(tmp_path: Path) -> None:
    heard: list[Request] = []

    def die_later(request: Request) -> Transcript:
        if heard:
            raise RuntimeError("device lost")
        heard.append(request)
        return Transcript("one")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3])))
    with pytest.raises(ModelError, match="device lost"):
        transcribe(
            tmp_path / "out",
            source,
            recognizer=Scripted(die_later),
            using=settings(batch_seconds=1.0),
        )
    assert files(tmp_path / "out") == {}


def test_clips_that_all_fail_cost_themselves_when_the_recogniser_still_hears(
    tmp_path: Path,
) -> None:
    def choke(request: Request) -> Transcript:
        if request.samples.any():
            raise RuntimeError("cannot take this")
        return Transcript("")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(choke))
    assert [row["unit"] for row in read(tmp_path / "out", "failures")] == ["segment"] * 2


def test_a_recogniser_that_refuses_every_clip_has_not_crashed(tmp_path: Path) -> None:
    def refuse(_: Request) -> Transcript:
        raise ModelError("not this one")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(refuse))
    assert [row["message"] for row in read(tmp_path / "out", "failures")] == ["not this one"] * 3
    assert read_ledger(str(tmp_path / "out"), [source.source_id]).seconds["failed"] == 3.0


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
    assert set(report.commit.failed_source_ids) == broken
    ledger = read_ledger(str(tmp_path / "out"), [*broken, good.source_id])
    assert ledger.balances
    assert ledger.undecoded == broken


def test_a_recording_that_fails_midway_leaves_no_rows_of_its_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first segments are recognised by then."""
    fine = ref(write(tmp_path / "fine.wav", tones([0.1, 0.2])))
    bad = ref(write(tmp_path / "bad.wav", tones([0.1] * 40)))

    def dying(measured: Segment) -> Quality:
        if measured.start_sample >= 20 * RATE_HZ:
            raise OSError("the disk died")
        return measure(measured)

    monkeypatch.setattr("beam_audio.recording.measure", dying)
    recognizer = Scripted()
    using = settings(batch_seconds=2.0)
    transcribe(tmp_path / "out", bad, fine, recognizer=recognizer, using=using)
    assert sum(map(len, recognizer.batches)) > 2
    assert {row["uri"] for row in read(tmp_path / "out", "segments")} == {fine.uri}
    (failure,) = read(tmp_path / "out", "failures")
    assert (failure["unit"], failure["message"]) == ("recording", "the disk died")
    ledger = read_ledger(str(tmp_path / "out"), [bad.source_id, fine.source_id])
    assert ledger.balances
    assert ledger.undecoded == {bad.source_id}


def test_a_language_the_model_lacks_fails_the_segments_that_state_it(tmp_path: Path) -> None:
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2])), language="en"),
        ref(write(tmp_path / "b.wav", tones([0.1, 0.2])), language="xx"),
        ref(write(tmp_path / "c.wav", tones([0.1])), language=None),
    ]
    recognizer = Scripted()
    using = settings(language="from_manifest")
    transcribe(tmp_path / "out", *inputs, recognizer=recognizer, using=using)
    heard = [request.language for batch in recognizer.batches for request in batch]
    assert sorted(map(str, heard)) == ["None", "en", "en"]
    failures = read(tmp_path / "out", "failures")
    assert [(row["uri"], row["error_type"]) for row in failures] == [
        (inputs[1].uri, "ModelError")
    ] * 2
    assert all("'xx'" in row["message"] and "--language=auto" in row["message"] for row in failures)
    failed = {row["uri"]: row["failed_samples"] for row in read(tmp_path / "out", "recordings")}
    assert failed == {inputs[0].uri: 0, inputs[1].uri: 2 * RATE_HZ, inputs[2].uri: 0}


@pytest.mark.parametrize(("language", "asked"), [("auto", None), ("de", "de")])
def test_the_language_asked_for_goes_with_every_clip(
    tmp_path: Path, language: str, asked: str | None
) -> None:
    recognizer = Scripted()
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])), language="en")
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=settings(language=language))
    assert {request.language for batch in recognizer.batches for request in batch} == {asked}


@pytest.mark.parametrize("suffix", ["flac", "wav"])
def test_a_recording_cut_short_keeps_what_it_has_and_says_so(tmp_path: Path, suffix: str) -> None:
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
    assert report.commit.failed_source_ids == ()
    assert read_ledger(str(tmp_path / "out"), [source.source_id]).failures == {
        ("recording", "decode", "DecodeError"): 1
    }


def test_the_report_counts_batches_and_padding(tmp_path: Path) -> None:
    class Padding(Scripted):
        def cost_seconds(self, duration_seconds: float) -> float:
            return max(duration_seconds, 2.0)

    source = ref(write(tmp_path / "a.wav", tones([0.1] * 5)[: 4 * RATE_HZ + RATE_HZ // 2]))
    recognizer = Padding()
    using = settings(batch_seconds=6.0)
    report = transcribe(tmp_path / "out", source, recognizer=recognizer, using=using)
    assert [len(batch) for batch in recognizer.batches] == [3, 2]
    assert (report.batches.batches, report.batches.clips) == (2, 5)
    assert report.batches.clip_seconds == 4.5
    assert report.batches.padded_seconds == 10.0
    assert report.commit.rows == {"segments": 5, "recordings": 1, "failures": 0}
    assert report.commit.provider == "CPUExecutionProvider"
    assert {"open", "decode", "segment", "measure", "recognise", "write"} == set(
        report.commit.stage_seconds
    )


def test_progress_counts_recordings_seconds_and_failures(tmp_path: Path) -> None:
    stereo = np.stack([tones([0.1, 0.2]), tones([0.3, 0.95])], axis=1)
    inputs = [ref(write(tmp_path / "a.wav", stereo)), AudioRef(str(tmp_path / "missing.wav"), 1)]
    progress = Progress()
    transcribe_unit(
        inputs,
        settings=settings(channels="split"),
        recognizer=Scripted(fail_when_loud),
        root=str(tmp_path / "out"),
        progress=progress,
    )
    counts = (progress.recordings, progress.decoded_seconds, progress.failures)
    assert counts == (2, 2.0, 2)


def test_every_segment_has_a_seed_of_its_own_that_stays(tmp_path: Path) -> None:
    """Whatever the batches: random choices made for a segment depend on it alone."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4])))
    seeds = []
    for batch_seconds in (1.0, 100.0):
        recognizer, out = Scripted(), tmp_path / str(batch_seconds)
        using = settings(batch_seconds=batch_seconds)
        transcribe(out, source, recognizer=recognizer, using=using)
        requests = [request for batch in recognizer.batches for request in batch]
        seeds.append({float(np.abs(item.samples).max()): item.seed for item in requests})
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0].values())) == 4
    ids = {row["segment_id"] for row in read(tmp_path / "1.0", "segments")}
    assert {seed_of(segment_id) for segment_id in ids} == set(seeds[0].values())
    assert all(0 <= seed < 2**32 for seed in seeds[0].values())


def test_the_clips_have_the_rate_and_length_of_the_segments(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2], 44_100), 44_100))
    recognizer = Scripted()
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=settings(segments=WINDOWS))
    heard = [request.samples for batch in recognizer.batches for request in batch]
    assert [len(samples) for samples in heard] == [PLACEHOLDER.sample_rate_hz] * 2
    assert all(samples.dtype == np.float32 for samples in heard)
