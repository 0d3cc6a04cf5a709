"""The row of a recording: its reasons, text and language, and its score against a reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.unit_runs import (
    RATE_HZ,
    RIVER,
    SCRIPTED_FACTS,
    VAD,
    Scripted,
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

from beam_audio.quality.rules import load_rules
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request


def reasons_of(tmp_path: Path, samples: Any = None, **claims: Any) -> list[str]:  # noqa: ANN401
    path = write(tmp_path / "a.wav", speech() if samples is None else samples)
    transcribe(tmp_path / "out", ref(path, **claims), using=settings(segments=VAD))
    found: list[str] = only_recording(tmp_path / "out")["reasons"]
    return found


def test_a_recording_with_speech_and_a_reference_has_no_reasons(tmp_path: Path) -> None:
    assert reasons_of(tmp_path, reference_text=RIVER) == []


def test_a_recording_without_speech_has_its_row_and_says_why(tmp_path: Path) -> None:
    silence = np.zeros(2 * RATE_HZ, np.float32)
    assert reasons_of(tmp_path, silence) == ["no_reference", "no_speech"]
    row = only_recording(tmp_path / "out")
    assert (row["segments"], row["skipped_samples"], row["text"]) == (0, 2 * RATE_HZ, "")
    assert read(tmp_path / "out", "segments") == []


def test_a_recording_without_samples_says_so(tmp_path: Path) -> None:
    nothing = np.zeros(0, np.float32)
    assert reasons_of(tmp_path, nothing) == ["no_audio", "no_reference", "no_speech"]
    row = only_recording(tmp_path / "out")
    assert row["decoded_seconds"] == 0.0
    assert (row["words_per_second"], row["chars_per_second"]) == (None, None)


def test_a_reference_of_silence_is_empty(tmp_path: Path) -> None:
    silence = np.zeros(2 * RATE_HZ, np.float32)
    assert reasons_of(tmp_path, silence, reference_text="[music]") == [
        "empty_reference",
        "no_speech",
    ]
    row = only_recording(tmp_path / "out")
    assert (row["reference_text"], row["wer"], row["wer_insertions"]) == ("[music]", None, 0)


def test_a_reference_without_segments_counts_as_missed(tmp_path: Path) -> None:
    silence = np.zeros(2 * RATE_HZ, np.float32)
    assert reasons_of(tmp_path, silence, reference_text=RIVER) == ["no_speech"]
    row = only_recording(tmp_path / "out")
    assert (row["wer_deletions"], row["wer"]) == (10, 1.0)


@pytest.mark.parametrize(("claim", "off"), [(0.0, False), (0.09, False), (-0.11, True), (9, True)])
def test_a_wrong_length_in_the_manifest_is_flagged(
    tmp_path: Path,
    claim: float,
    off: bool,  # noqa: FBT001
) -> None:
    claimed = len(speech()) / RATE_HZ + claim
    found = reasons_of(tmp_path, reference_text=RIVER, manifest_seconds=claimed)
    assert found == (["manifest_seconds_off"] if off else [])


def test_a_cut_that_asks_for_more_than_there_is_is_truncated(tmp_path: Path) -> None:
    found = reasons_of(tmp_path, offset_seconds=0.5, duration_seconds=5.0, manifest_seconds=5.0)
    assert found == ["manifest_seconds_off", "no_reference", "truncated"]
    (failure,) = read(tmp_path / "out", "failures")
    assert failure["recording_id"] == only_recording(tmp_path / "out")["recording_id"]
    assert failure["error_type"] == "InputError"


@pytest.mark.parametrize(
    ("language", "text"), [("en", "hello there again"), ("ja", "hellothereagain")]
)
def test_the_text_is_that_of_the_segments_in_their_order(
    tmp_path: Path, language: str, text: str
) -> None:
    """They are recognised in another order: the longest first."""
    tone = np.concatenate([tones([0.1]), tones([0.2]), tones([0.3]), tones([0.4])[:8_000]])
    recognizer = Scripted(texts_by_loudness("hello", "", "there", "again", language=language))
    using = settings(batch_seconds=1.0)
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tone)), recognizer=recognizer)
    transcribe(tmp_path / "b", ref(tmp_path / "a.wav"), recognizer=recognizer, using=using)
    for out in (tmp_path / "out", tmp_path / "b"):
        row = only_recording(out)
        assert (row["text"], row["language"]) == (text, language)
        assert row["chars_per_second"] == round(15 / 3.5, 4)
        assert row["words_per_second"] == (None if language == "ja" else round(3 / 3.5, 4))


@pytest.mark.parametrize(
    ("languages", "stated", "expected"),
    [
        (["en", "de", "de"], "fr", "de"),
        (["fr", "de", None], None, "de"),
        ([None, None, None], "fr", "fr"),
        ([None, None, None], None, None),
    ],
)
def test_the_language_of_a_recording_is_that_of_most_of_its_seconds(
    tmp_path: Path, languages: list[str | None], stated: str | None, expected: str | None
) -> None:
    def hear(request: Request) -> Transcript:
        index = round(float(np.abs(request.samples).max()) * 10) - 1
        return Transcript("x", languages[index])

    source = ref(write(tmp_path / "a.wav", tones(levels(3))), language=stated)
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear))
    assert only_recording(tmp_path / "out")["language"] == expected
    found = [row["language"] for row in segments_in_order(tmp_path / "out")]
    assert found == [language or stated for language in languages]


OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=1.0)


def test_words_in_two_windows_are_in_the_recording_once(tmp_path: Path) -> None:
    """The placeholder hears two words in each second, in any window."""
    path = write(tmp_path / "a.wav", tones(levels(6)))
    transcribe(tmp_path / "once", ref(path))
    text = only_recording(tmp_path / "once")["text_all"]
    source = ref(path, reference_text=text)
    transcribe(tmp_path / "out", source, using=settings(segments=OVERLAPPING))
    recording, segments = only_recording(tmp_path / "out"), segments_in_order(tmp_path / "out")
    assert len(segments) == 5
    assert (recording["text_all"], recording["wer"], recording["wer_hits"]) == (text, 0.0, 12)
    assert [len(row["words"]) for row in segments] == [4] * 5
    assert [len(row["text"].split()) for row in segments] == [4] * 5
    shares = [len(row["reference_text"].split()) for row in segments]
    assert shares == [3, 2, 2, 2, 3]
    assert all(row["wer"] == 0.0 for row in segments)


def test_windows_without_word_times_give_all_their_text(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.1, 0.1])))
    using = settings(segments=OVERLAPPING)
    transcribe(
        tmp_path / "out", source, recognizer=Scripted(texts_by_loudness("hello there")), using=using
    )
    assert only_recording(tmp_path / "out")["text"] == "hello there hello there"


def test_windows_without_text_do_not_decide_the_language(tmp_path: Path) -> None:
    """Models name a language for silence too."""

    def hear(request: Request) -> Transcript:
        return Transcript("x", "en") if request.samples.any() else Transcript("", "de")

    source = ref(write(tmp_path / "a.wav", tones([0.0, 0.1, 0.0])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear))
    assert only_recording(tmp_path / "out")["language"] == "en"
    silent, spoken, _ = segments_in_order(tmp_path / "out")
    assert "language_mismatch" not in [*silent["reasons"], *spoken["reasons"]]


def test_seconds_and_not_segments_decide_the_language(tmp_path: Path) -> None:
    def hear(request: Request) -> Transcript:
        return Transcript("x", "en" if len(request.samples) == 2 * RATE_HZ else "de")

    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.1, 0.1])))
    windows = SegmentSettings(segmenter="fixed", window_seconds=2.0)
    using = settings(segments=windows)
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear), using=using)
    assert only_recording(tmp_path / "out")["language"] == "en"


def test_the_shares_of_the_segments_add_up_to_the_recording(tmp_path: Path) -> None:
    reference = "The quick brown fox jumps over the lazy dog, twice a day!"
    recognizer = Scripted(
        texts_by_loudness("the quick brow fox", "jumps over a", "", "lazy dog twice today ok")
    )
    source = ref(write(tmp_path / "a.wav", tones(levels(4))), reference_text=reference)
    transcribe(tmp_path / "out", source, recognizer=recognizer)
    recording, segments = only_recording(tmp_path / "out"), segments_in_order(tmp_path / "out")
    for column in ("wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions"):
        assert sum(row[column] for row in segments) == recording[column]
    assert recording["reference_text"] == reference
    shared = " ".join(row["reference_text"] for row in segments if row["reference_text"])
    assert shared == "the quick brown fox jumps over the lazy dog twice a day"
    counts = [recording[f"wer_{name}"] for name in ("hits", "substitutions", "deletions")]
    assert sum(counts) == 12
    errors = recording["wer_substitutions"] + recording["wer_deletions"]
    assert recording["wer"] == round((errors + recording["wer_insertions"]) / 12, 4)
    assert {row["normalizer_id"] for row in (recording, *segments)} == {"whisper-en-2"}


def test_a_segment_that_failed_leaves_its_words_missed(tmp_path: Path) -> None:
    def hear(request: Request) -> Transcript:
        text = texts_by_loudness("one red cat", "two blue dogs")(request)
        if text.text.startswith("two"):
            raise ValueError
        return text

    reference = "red cat here; blue dogs there"
    source = ref(write(tmp_path / "a.wav", tones(levels(2))), reference_text=reference)
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear))
    recording = only_recording(tmp_path / "out")
    assert (recording["wer_hits"], recording["wer_insertions"]) == (2, 1)
    assert recording["wer_deletions"] + recording["wer_substitutions"] == 4
    assert recording["failed_samples"] == RATE_HZ


def test_the_stated_language_decides_how_a_reference_is_compared(tmp_path: Path) -> None:
    """A model that hears English in Chinese does not get a word error rate for it."""
    source = ref(write(tmp_path / "a.wav", tones([0.1])), reference_text="你好吗", language="zh")
    transcribe(tmp_path / "out", source, recognizer=Scripted(texts_by_loudness("you how")))
    for row in (only_recording(tmp_path / "out"), *read(tmp_path / "out", "segments")):
        assert (row["wer"], row["wer_hits"]) == (None, None)
        assert row["cer"] == 2.0
        assert row["normalizer_id"] == "basic-2"
        assert row["language"] == "en"
    (segment,) = read(tmp_path / "out", "segments")
    assert (segment["decision"], "cer_high" in segment["reasons"]) == ("drop", True)


def test_what_could_not_be_read_of_a_statement_is_a_reason(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])), reasons=("event_time_unreadable",))
    transcribe(tmp_path / "out", source)
    reasons = only_recording(tmp_path / "out")["reasons"]
    assert "event_time_unreadable" in reasons
    assert reasons == sorted(reasons)


def test_words_that_nobody_said_are_in_text_all_only(tmp_path: Path) -> None:
    """Case 35_dropped_text_in_recording: text of a rest of 80 samples, where nobody speaks."""
    spoken = speech()
    samples = np.concatenate([spoken, np.zeros(80, np.float32)])
    windows = SegmentSettings(segmenter="fixed", window_seconds=len(spoken) / RATE_HZ)

    def hear(request: Request) -> Transcript:
        return Transcript("you" if len(request.samples) < RATE_HZ / 10 else "a red cat came in")

    source = ref(write(tmp_path / "a.wav", samples), reference_text="a red cat came in")
    using = settings(segments=windows)
    using = replace(using, rows=replace(using.rows, rules=load_rules("balanced")))
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear), using=using)
    recording, segments = only_recording(tmp_path / "out"), segments_in_order(tmp_path / "out")
    assert [row["text"] for row in segments][-1] == "you"
    assert "text_without_speech" in segments[-1]["reasons"]
    assert recording["text"] == "a red cat came in"
    assert recording["text_all"] == "a red cat came in you"
    assert (recording["wer_hits"], recording["wer_insertions"]) == (5, 1)


def test_a_text_in_the_other_script_is_equal_and_says_so(tmp_path: Path) -> None:
    """Case 21_chinese_scripts."""
    source = ref(
        write(tmp_path / "a.wav", tones([0.1])), reference_text="测试完成后", language="zh"
    )
    transcribe(tmp_path / "out", source, recognizer=Scripted(texts_by_loudness("測試完成後")))
    for row in (only_recording(tmp_path / "out"), *read(tmp_path / "out", "segments")):
        assert row["cer"] == 0.0
        assert "scripts_differ" in row["reasons"]


def test_figures_against_unknown_number_words_are_no_reason_to_drop(tmp_path: Path) -> None:
    """Case 22_numbers_in_other_languages, where no number words are known."""
    source = ref(
        write(tmp_path / "a.wav", tones([0.1])), reference_text="bat bi hiru", language="eu"
    )
    knows_all = replace(SCRIPTED_FACTS, languages=frozenset())
    recognizer = Scripted(texts_by_loudness("1, 2, 3"), knows_all)
    transcribe(tmp_path / "out", source, recognizer=recognizer)
    (segment,) = read(tmp_path / "out", "segments")
    assert segment["wer"] == 1.0
    assert "figures_against_words" in segment["reasons"]
    assert "wer_high" not in segment["reasons"]
    assert "figures_against_words" in only_recording(tmp_path / "out")["reasons"]
