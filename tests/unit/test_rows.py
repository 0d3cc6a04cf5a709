"""What a user reads in the rows: folders, columns, names, stored audio."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from datetime import date as day
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from support.unit_runs import (
    DEMO,
    EVENT_TIME,
    RATE_HZ,
    RIVER,
    VAD,
    Scripted,
    files,
    hear_loudness,
    levels,
    only_recording,
    read,
    ref,
    segments_in_order,
    settings,
    speech,
    texts_by_loudness,
    tones,
    transcribe,
    write,
)

from beam_audio.quality.rules import PRESETS, load_rules
from beam_audio.schema import column_names
from beam_audio.types import Failure, Transcript, Word

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.unit.tasks import Input

OPTIONAL = frozenset(
    {
        *("dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl", "second_text", "second_model_id"),
        *("second_model_sha256", "second_language", "second_language_probability"),
        *("second_avg_logprob", "second_no_speech_prob", "disagreement_wer", "disagreement_cer"),
        *("audio_events", "speech_score", "music_score"),
        *("voted_language", "best_text", "best_model_id", "speaker_label", "speaker_turns"),
        *("word_speakers", "speaker_changes", "speaker_overlap_seconds", "speaker_embedding"),
        *("speaker_model_id", "corpus_speaker", "enhance_model_id"),
    }
)
"""Columns that a run has to ask for."""


def folders(out: Path) -> list[str]:
    return sorted(name.rpartition("/")[0] for name in files(out) if name.endswith(".parquet"))


def test_rows_are_in_folders_of_date_and_language(tmp_path: Path) -> None:
    inputs: list[Input] = [
        ref(write(tmp_path / "a.wav", tones([0.1, 0.2]))),
        ref(write(tmp_path / "b.wav", tones([0.1])), event_time=None),
        Failure("input", "read", "line", "list.jsonl", "InputError", "line 3: no"),
    ]

    def hear(request: Request) -> Transcript:
        return Transcript("x", "en" if np.abs(request.samples).max() < 0.15 else None)

    transcribe(tmp_path / "out", *inputs, recognizer=Scripted(hear))
    assert folders(tmp_path / "out") == [
        "failures/date=unknown",
        "recordings/date=2026-01-05",
        "recordings/date=unknown",
        "segments/date=2026-01-05/language=__HIVE_DEFAULT_PARTITION__",
        "segments/date=2026-01-05/language=en",
        "segments/date=unknown/language=en",
    ]
    languages = [row["language"] for row in segments_in_order(tmp_path / "out")]
    assert sorted(map(str, languages)) == ["None", "en", "en"]


def test_metadata_can_name_folders_and_is_kept_in_the_rows(tmp_path: Path) -> None:
    speaker = (("room", "4"), ("speaker", "Ann/B ü"))
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1])), metadata=speaker),
        ref(write(tmp_path / "b.wav", tones([0.2]))),
    ]
    using = settings(partition_by=("speaker", "date"))
    transcribe(tmp_path / "out", *inputs, using=using)
    found = [name for name in folders(tmp_path / "out") if name.startswith("segments")]
    assert found == [
        "segments/speaker=Ann%2FB%20%C3%BC/date=2026-01-05",
        "segments/speaker=__HIVE_DEFAULT_PARTITION__/date=2026-01-05",
    ]
    rows = {row["uri"]: row for row in read(tmp_path / "out", "segments")}
    assert [rows[item.uri]["speaker"] for item in inputs] == ["Ann/B ü", None]
    assert [rows[item.uri]["metadata"] for item in inputs] == [
        '{"room": "4", "speaker": "Ann/B ü"}',
        "{}",
    ]
    assert [rows[item.uri]["language"] for item in inputs] == ["en", "en"]


def test_metadata_keys_can_be_columns_of_segments_and_recordings(tmp_path: Path) -> None:
    inputs = [
        ref(write(tmp_path / "a.wav", tones([0.1])), metadata=(("room", "007"), ("who", "Ann"))),
        ref(write(tmp_path / "b.wav", tones([0.2])), metadata=(("who", "Bob"),)),
    ]
    using = settings(metadata_columns=("room", "who"), partition_by=("who",))
    transcribe(tmp_path / "out", *inputs, using=using)
    for table in ("segments", "recordings"):
        rows = {row["uri"]: row for row in read(tmp_path / "out", table)}
        assert [rows[item.uri]["room"] for item in inputs] == ["007", None]
        assert [rows[item.uri].get("who") for item in inputs] == (["Ann", "Bob"])
    (file, *_) = (tmp_path / "out" / "segments").rglob("*.parquet")
    assert pq.read_schema(file).field("room").type == "string"
    assert "who" not in pq.read_schema(file).names


def test_folder_keys_are_not_stored_in_the_files(tmp_path: Path) -> None:
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tones([0.1]))))
    for path in (tmp_path / "out" / "segments").rglob("*.parquet"):
        stored = set(pq.ParquetFile(path).schema_arrow.names)
        assert stored == column_names("segments") - {"language"}


@pytest.mark.parametrize(
    ("event_time", "date"),
    [
        (datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), "2026-03-01"),
        (datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-5))), "2026-03-02"),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-02-28"),
        (None, "unknown"),
    ],
)
def test_the_date_is_that_of_the_event_in_utc(
    tmp_path: Path, event_time: datetime | None, date: str
) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])), event_time=event_time)
    transcribe(tmp_path / "out", source)
    for row in (*read(tmp_path / "out", "segments"), only_recording(tmp_path / "out")):
        assert row["date"] == date
        assert row["event_date"] == (None if event_time is None else day.fromisoformat(date))
        assert row["event_time"] == event_time


OF_CURATE = {
    *("duplicate_of", "duplicate_by", "duplicate_similarity"),
    *("test_overlap_of", "test_overlap_by", "test_overlap_similarity"),
    *("text_redacted", "redactions"),
    *("stated_reference_text", "corrected_by", "corrected_at", "rules_decision", "rules_reasons"),
}
"""Columns that a run leaves empty that finds no correction."""


def test_all_columns_of_a_usual_recording_are_filled(tmp_path: Path) -> None:
    def hear(request: Request) -> Transcript:
        words = (Word("When", 0.0, 0.4, 0.9),)
        text = f"{hear_loudness(request).text} {RIVER}"
        return Transcript(text, "en", 0.9, -0.3, 0.1, words=words)

    updated = datetime(2026, 1, 4, tzinfo=UTC)
    source = ref(
        write(tmp_path / "a.wav", np.concatenate([np.zeros(8_000, np.float32), speech()])),
        reference_text=RIVER,
        language="en",
        updated=updated,
        offset_seconds=0.25,
        duration_seconds=2.0,
        manifest_seconds=2.0,
        metadata=(("speaker", "b"),),
    )
    using = settings(segments=VAD)
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear), using=using)
    segments = segments_in_order(tmp_path / "out")
    recording = only_recording(tmp_path / "out")
    missing = {"channel", "track", *OPTIONAL}
    for row in (*segments, recording):
        unknown = {name for name, value in row.items() if value is None}
        assert unknown <= missing | OF_CURATE
        assert (row["uri"], row["source_id"]) == (source.uri, source.source_id)
        assert row["metadata"] == '{"speaker": "b"}'
        assert row["text_language"] == row["language"] == "en"
    assert recording["source_updated"] == updated
    assert recording["decoded_seconds"] == recording["manifest_seconds"] == 2.0
    assert (recording["codec"], recording["container"]) == ("pcm_s16", "wav")
    assert recording["segments"] == len(segments)
    assert 0.5 < recording["speech_seconds"] <= 2.0
    assert recording["source_size_bytes"] == source.size_bytes


def test_an_undefined_measure_is_null(tmp_path: Path) -> None:
    def hear(_: Request) -> Transcript:
        return Transcript("")

    source = ref(write(tmp_path / "a.wav", np.zeros(RATE_HZ, np.float32)))
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear))
    (segment,) = read(tmp_path / "out", "segments")
    unknown = {name for name, value in segment.items() if value is None}
    assert unknown == {
        *("channel", "track", "language", "text_language", "heard_language"),
        *("language_probability", "words"),
        *("avg_logprob", "no_speech_prob"),
        *("compression_ratio", "reference_text", "wer", "cer", "normalizer_id"),
        *("wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions"),
        *("rms_dbfs", "peak_dbfs", "snr_db", "bandwidth_hz", "loudness_lufs"),
        *("start_cer", "end_cer", "compression_ratio_high", "hallucination_rate"),
        *("logprob_low", "silence", "no_speech_likely"),
        *OPTIONAL,
        *("fingerprint", "reference_origin", "label_text", *OF_CURATE - {"stated_reference_text"}),
    }
    assert (segment["clipped_fraction"], segment["speech_fraction"]) == (0.0, 0.0)


def test_words_have_the_times_of_the_recording(tmp_path: Path) -> None:
    """The placeholder gives a word for each half second; its windows are a second long."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.0, 0.4])))
    transcribe(tmp_path / "out", source)
    first, silent, last = segments_in_order(tmp_path / "out")
    assert silent["words"] == []
    for row, start in ((first, 0.0), (last, 2.0)):
        assert " ".join(word["word"] for word in row["words"]) == row["text"] != ""
        edges = [(word["start_seconds"], word["end_seconds"]) for word in row["words"]]
        assert edges == [(start, start + 0.5), (start + 0.5, start + 1.0)]
        assert [word["probability"] for word in row["words"]] == [1.0, 1.0]


def test_speech_lies_in_its_segment_and_adds_up(tmp_path: Path) -> None:
    samples = np.concatenate([tones([0.0]), speech(), tones([0.0])])
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", samples)))
    rows = segments_in_order(tmp_path / "out")
    assert rows[-1]["speech"] == []
    total = 0.0
    for row in rows:
        edges = [edge for span in row["speech"] for edge in span.values()]
        assert edges == sorted(edges)
        assert all(row["start_seconds"] <= edge <= row["end_seconds"] for edge in edges)
        seconds = sum(edges[1::2]) - sum(edges[::2])
        assert row["speech_fraction"] == pytest.approx(seconds / row["duration_seconds"], abs=1e-4)
        total += seconds
    (recording,) = read(tmp_path / "out", "recordings")
    assert 0 < total == pytest.approx(recording["speech_seconds"])


@pytest.mark.parametrize("preset", PRESETS)
def test_text_in_a_window_without_speech_is_dropped(tmp_path: Path, preset: str) -> None:
    samples = np.concatenate([tones([0.3, 0.0]), speech()[:RATE_HZ]])
    using = settings()
    using = replace(using, rows=replace(using.rows, rules=load_rules(preset)))
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", samples)), using=using)
    tone, silent, spoken = segments_in_order(tmp_path / "out")
    assert spoken["text"] != "" != tone["text"]
    assert "text_without_speech" not in [*spoken["reasons"], *silent["reasons"]]
    assert (tone["decision"], "text_without_speech" in tone["reasons"]) == ("drop", True)
    assert (silent["text"], silent["speech_fraction"]) == ("", 0.0)


@pytest.mark.parametrize(
    ("rules", "decision"), [("strict", "review"), ("balanced", "review"), ("lenient", "keep")]
)
def test_a_segment_in_another_language_than_its_recording_says_so(
    tmp_path: Path, rules: str, decision: str
) -> None:
    def hear(request: Request) -> Transcript:
        loud = np.abs(request.samples).max() > 0.25
        return Transcript("ein Satz", "en" if loud else "de", language_probability=0.4)

    source = ref(write(tmp_path / "a.wav", tones(levels(3))), language="de")
    using = settings(rules=rules)
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear), using=using)
    *same, other = segments_in_order(tmp_path / "out")
    assert [row["reasons"] for row in same] == [["no_reference"]] * 2
    assert other["reasons"] == ["language_mismatch", "language_unexpected", "no_reference"]
    assert other["decision"] == decision
    assert only_recording(tmp_path / "out")["language"] == "de"


def test_a_recording_in_another_language_than_stated_says_so(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones(levels(2))), language="fr")
    transcribe(tmp_path / "out", source)
    for row in segments_in_order(tmp_path / "out"):
        assert row["reasons"] == ["language_mismatch", "language_unexpected", "no_reference"]
        assert (row["decision"], row["text"] != "") == ("review", True)
    transcribe(tmp_path / "told", source, using=settings(language="de"))
    for row in segments_in_order(tmp_path / "told"):
        assert (row["language"], row["reasons"]) == ("de", ["no_reference"])


def test_a_row_says_which_model_rules_and_configuration_made_it(tmp_path: Path) -> None:
    using = settings(rules="strict")
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tones([0.1]))), using=using)
    (row,) = read(tmp_path / "out", "segments")
    assert row["model_id"] == "placeholder/none"
    assert len(row["model_sha256"]) == 64
    assert row["rules_id"].startswith("strict-")
    assert (
        row["config_id"]
        == only_recording(tmp_path / "out")["config_id"]
        == settings().rows.config_id
    )


def test_judgement_deletes_nothing(tmp_path: Path) -> None:
    """A segment the rules drop keeps its row, its text and the reasons."""
    using = settings(rules="strict")
    source = ref(write(tmp_path / "a.wav", tones(levels(1))), reference_text="quite another text")
    recognizer = Scripted(texts_by_loudness("ja ja ja ja ja ja"))
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=using)
    (row,) = read(tmp_path / "out", "segments")
    assert row["decision"] == "drop"
    assert {"wer_high", "repetition"} <= set(row["reasons"])
    assert row["text"] == "ja ja ja ja ja ja"
    assert only_recording(tmp_path / "out")["drop_samples"] == RATE_HZ


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_file_names_that_are_not_text_are_readable_in_the_rows(tmp_path: Path) -> None:
    good, bad, gone = (
        tmp_path / os.fsdecode(name) for name in (b"caf\xe9.wav", b"\xff.wav", b"\xfe.wav")
    )
    write(tmp_path / "a.wav", tones([0.1])).rename(good)
    bad.write_bytes(b"junk")
    gone.write_bytes(b"")
    inputs = [ref(good), ref(bad), ref(gone)]
    gone.unlink()
    transcribe(tmp_path / "out", *inputs)
    for table in ("segments", "recordings"):
        (row,) = read(tmp_path / "out", table)
        assert row["uri"] == f"{tmp_path}/caf\\udce9.wav"
    failures = {row["uri"]: row for row in read(tmp_path / "out", "failures")}
    assert set(failures) == {f"{tmp_path}/\\udcff.wav", f"{tmp_path}/\\udcfe.wav"}
    for row in failures.values():
        assert row["message"].encode("utf-8")
        assert row["when"] <= datetime.now(UTC)


def test_stored_flac_is_the_segment_itself(tmp_path: Path) -> None:
    rate_hz = 44_100
    noise = np.random.default_rng(0).integers(-32768, 32768, (2 * rate_hz + 99, 1), dtype=np.int16)
    path = tmp_path / "a.wav"
    soundfile.write(path, noise, rate_hz, subtype="PCM_16")
    transcribe(tmp_path / "out", ref(path), using=settings(store_audio="flac"))
    rows = segments_in_order(tmp_path / "out")
    assert len(rows) == 3
    for row in rows:
        samples, found_hz = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="int16")
        start, end = (round(row[f"{side}_seconds"] * rate_hz) for side in ("start", "end"))
        assert found_hz == rate_hz
        assert (samples == noise[start:end, 0]).all()
        assert row["audio"]["path"] == f"{row['segment_id']}.flac"


def test_stored_opus_has_the_segments_length(tmp_path: Path) -> None:
    transcribe(
        tmp_path / "out",
        ref(DEMO / "river.wav"),
        using=settings(segments=VAD, store_audio="opus", batch_seconds=1.0),
    )
    for row in read(tmp_path / "out", "segments"):
        samples, rate_hz = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
        assert row["audio"]["path"] == f"{row['segment_id']}.ogg"
        assert len(samples) / rate_hz == pytest.approx(row["duration_seconds"], abs=0.001)


def test_only_segments_carry_audio_and_only_when_asked(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    transcribe(tmp_path / "out", source)
    transcribe(tmp_path / "with", source, using=settings(store_audio="flac"))
    assert "audio" not in read(tmp_path / "out", "segments")[0]
    (path,) = (tmp_path / "with" / "segments").rglob("*.parquet")
    metadata = pq.read_schema(path).metadata
    features = json.loads(metadata[b"huggingface"])["info"]["features"]
    assert features == {"audio": {"_type": "Audio"}}
    assert "audio" not in only_recording(tmp_path / "with")


def test_the_time_of_a_failure_is_now_and_outside_its_identity(tmp_path: Path) -> None:
    failure = Failure(
        "input", "read", "line", "list.jsonl", "InputError", "no", event_time=EVENT_TIME
    )
    before = datetime.now(UTC)
    transcribe(tmp_path / "out", failure)
    (row,) = read(tmp_path / "out", "failures")
    assert before <= row["when"] <= datetime.now(UTC)
    assert (row["date"], row["attempt"], row["recording_id"]) == ("2026-01-05", 1, None)
