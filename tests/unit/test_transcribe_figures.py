"""Every measured column of real speech is what a second computation finds.

The second one starts from the file and from the texts in the row. It shares no code with the
package: plain Python, scipy, pyloudnorm.
"""

from __future__ import annotations

import gzip
import hashlib
import math
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyloudnorm
import pytest
import scipy.signal
import soundfile
from support.unit_runs import (
    DEMO,
    Scripted,
    read,
    ref,
    settings,
    transcribe,
    write,
)

from beam_audio import schema
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr import Request
    from beam_audio.types import Row

    Samples = NDArray[np.float64]

SPEECH = DEMO / "greenhouse.flac"
SAID = "Please water the tomatoes and close the greenhouse door at night."
FIRST = "peace water all the tomatoes and close a green house door tonight tonight"
SECOND = "water the tomatoes and close the greenhouse door"
WHOLE = SegmentSettings(segmenter="fixed", window_seconds=30.0)
ROUNDING = 0.0001

OF_THE_MODEL = "asr/whisper/test_random_weights.py"
ELSEWHERE = {
    "language_probability": OF_THE_MODEL,
    "avg_logprob": OF_THE_MODEL,
    "no_speech_prob": OF_THE_MODEL,
    "second_language_probability": OF_THE_MODEL,
    "second_avg_logprob": OF_THE_MODEL,
    "second_no_speech_prob": OF_THE_MODEL,
    "snr_db": "quality/test_signal.py",
    "dnsmos_sig": "classifiers/test_dnsmos.py",
    "dnsmos_bak": "classifiers/test_dnsmos.py",
    "dnsmos_ovrl": "classifiers/test_dnsmos.py",
    "speech_score": "classifiers/test_sounds.py",
    "music_score": "classifiers/test_sounds.py",
    "speaker_changes": "quality/test_turns.py",
    "speaker_overlap_seconds": "quality/test_turns.py",
    "duplicate_similarity": "curate/duplicates/test_sound.py",
    "test_overlap_similarity": "curate/duplicates/test_sound.py",
    "known_hallucination": "quality/test_hallucinations.py",
    "concealed_seconds": "audio/decoders/test_pyav.py",
}
"""Columns that other tests hold against mixtures of known parts, other libraries or lists."""
STATED = {
    *("channel", "track", "offset_seconds", "manifest_seconds"),
    *("sample_rate_hz", "channels", "segment_index"),
}
"""Numbers that are not measured."""


TEXTS = ("text", "reference_text", "second_text")


def hears(text: str) -> Callable[[Request], Transcript]:
    return lambda _: Transcript(text, "en", 0.9, avg_logprob=-0.4, no_speech_prob=0.2)


def distance(wanted: Sequence[str], found: Sequence[str]) -> int:
    """The fewest insertions, deletions and substitutions, by the textbook's table."""
    row = list(range(len(found) + 1))
    for count, symbol in enumerate(wanted, 1):
        before, row = row, [count]
        for place, other in enumerate(found, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (symbol != other)))
    return row[-1]


def words(text: str) -> list[str]:
    return "".join(each if each.isalpha() else " " for each in text.lower()).split()


def decibels(power: float) -> float:
    return 10 * math.log10(power)


def edge_rate(reference: str, heard: str) -> float:
    """A space at the cut is no character of the edge."""
    return distance(reference.strip(), heard.strip()) / len(reference.strip())


def bandwidth_hz(samples: Samples, rate_hz: int) -> float:
    hertz, _, magnitudes = scipy.signal.spectrogram(
        samples,
        rate_hz,
        window="hann",
        nperseg=512,
        noverlap=512 - round(0.01 * rate_hz),
        detrend=False,
        mode="magnitude",
    )
    powers = np.mean(np.square(magnitudes), axis=1)
    return float(hertz[powers >= powers.max() / 1e5].max())


def clipped_fraction(samples: Samples) -> float:
    runs = [len(list(run)) for full, run in groupby(np.abs(samples) >= 0.999) if full]
    return sum(length for length in runs if length >= 3) / len(samples)


def text_figures(row: Row) -> Iterator[tuple[str, float]]:
    first, wanted, second = (words(row[name] or "") for name in TEXTS)
    seconds, letters = row["duration_seconds"], sum(map(len, first))
    encoded = row["text"].encode()
    yield "words_per_second", len(first) / seconds
    yield "chars_per_second", letters / seconds
    # The same deflated bytes, in a wrapper that is 12 bytes longer.
    yield "compression_ratio", len(encoded) / (len(gzip.compress(encoded, 6)) - 12)
    yield "wer", distance(wanted, first) / len(wanted)
    yield "disagreement_wer", distance(first, second) / len(first)
    whole, reference, other = (" ".join(each) for each in (first, wanted, second))
    yield "cer", distance(reference, whole) / len(reference)
    yield "start_cer", edge_rate(reference[:12], whole[:12])
    yield "end_cer", edge_rate(reference[-12:], whole[-12:])
    yield "disagreement_cer", distance(whole, other) / len(whole)


def sound_figures(row: Row, samples: Samples, rate_hz: int) -> Iterator[tuple[str, float]]:
    start, end = (round(row[f"{edge}_seconds"] * rate_hz) for edge in ("start", "end"))
    heard = samples[start:end]
    spoken = sum(each["end_seconds"] - each["start_seconds"] for each in row["speech"])
    yield "duration_seconds", len(heard) / rate_hz
    yield "rms_dbfs", decibels(float(np.var(heard)))
    yield "peak_dbfs", decibels(float(np.max(np.square(heard))))
    yield "clipped_fraction", clipped_fraction(heard)
    yield "speech_fraction", spoken * rate_hz / len(heard)
    yield "bandwidth_hz", bandwidth_hz(heard, rate_hz)
    meter = pyloudnorm.Meter(rate_hz, filter_class="DeMan")
    yield "loudness_lufs", meter.integrated_loudness(heard)


def signs(row: Row) -> dict[str, bool]:
    heard = words(row["text"])
    spoken = sum(each["end_seconds"] - each["start_seconds"] for each in row["speech"])
    runs = [tuple(heard[place : place + 10]) for place in range(max(0, len(heard) - 9))]
    counts = [runs.count(run) for run in runs]
    return {
        "silence": row["no_speech_prob"] > 0.6 and row["avg_logprob"] < -1.0,
        "logprob_low": row["avg_logprob"] < -1.0,
        "no_speech_likely": row["no_speech_prob"] > 0.8,
        "text_without_speech": spoken < 0.2,
        "hallucination_rate": sum(map(len, heard)) / spoken > 40,
        "compression_ratio_high": row["compression_ratio"] > 2.4,
        "repetition": len(set(heard)) / len(heard) <= 0.4 or max(counts, default=0) > 3,
    }


def run(out: Path, path: Path, text: str) -> tuple[Row, Row]:
    """The row of the only segment of a recording, and that of the recording."""
    transcribe(
        out,
        ref(path, reference_text=SAID, language="en"),
        recognizer=Scripted(hears(text)),
        second=Scripted(hears(SECOND)),
        using=settings(segments=WHOLE),
    )
    (segment,), (recording,) = read(out, "segments"), read(out, "recordings")
    return segment, recording


@pytest.fixture(params=["clean", "mp3", "overdriven"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    samples, rate_hz = soundfile.read(SPEECH, dtype="float32")
    if request.param == "mp3":
        soundfile.write(tmp_path / "a.mp3", samples, rate_hz)
        return tmp_path / "a.mp3"
    if request.param == "clean":
        return SPEECH
    return write(tmp_path / "driven.wav", np.clip(20 * samples, -1.0, 1.0))


@pytest.mark.parametrize("text", [FIRST, "no no no " * 40])
def test_a_segment_is_measured_as_by_other_means(tmp_path: Path, path: Path, text: str) -> None:
    row, _ = run(tmp_path / "out", path, text)
    samples, rate_hz = soundfile.read(path)
    expected = {**dict(text_figures(row)), **dict(sound_figures(row, samples, rate_hz))}
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=ROUNDING)
    errors = row["wer_substitutions"] + row["wer_deletions"] + row["wer_insertions"]
    reference = words(row["reference_text"])
    assert errors == distance(reference, words(row["text"]))
    assert row["wer_hits"] + row["wer_substitutions"] + row["wer_deletions"] == len(reference)
    assert {name: row[name] for name in signs(row)} == signs(row)


def test_a_recording_is_measured_as_by_other_means(tmp_path: Path, path: Path) -> None:
    segment, row = run(tmp_path / "out", path, FIRST)
    pcm, rate_hz = soundfile.read(path, dtype="int16")
    assert row["content_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix != ".mp3":  # each decoder of MP3 has samples of its own
        assert row["audio_sha256"] == hashlib.sha256(pcm.tobytes()).hexdigest()
    assert row["source_size_bytes"] == len(path.read_bytes())
    assert row["decoded_seconds"] == row["header_seconds"] == len(pcm) / rate_hz
    spoken = [each["end_seconds"] - each["start_seconds"] for each in segment["speech"]]
    assert row["speech_seconds"] == pytest.approx(sum(spoken))
    heard, wanted = words(row["text"]), words(row["reference_text"])
    assert row["words_per_second"] == pytest.approx(len(heard) * rate_hz / len(pcm), abs=ROUNDING)
    letters = sum(map(len, heard))
    assert row["chars_per_second"] == pytest.approx(letters * rate_hz / len(pcm), abs=ROUNDING)
    assert row["wer"] == pytest.approx(distance(wanted, heard) / len(wanted), abs=ROUNDING)
    reference = " ".join(wanted)
    cer = distance(reference, " ".join(heard)) / len(reference)
    assert row["cer"] == pytest.approx(cer, abs=ROUNDING)


def test_every_measured_column_has_a_second_computation(tmp_path: Path) -> None:
    row, _ = run(tmp_path / "out", SPEECH, FIRST)
    samples, rate_hz = soundfile.read(SPEECH)
    here = {*dict(text_figures(row)), *dict(sound_figures(row, samples, rate_hz)), *signs(row)}
    counts = {name for name in row if name.startswith("wer_")}
    times = {name for name in row if name.endswith(("start_seconds", "end_seconds"))}
    measured = {
        field.name
        for field in schema.file_schema("segments")
        if pa.types.is_floating(field.type)
        or pa.types.is_boolean(field.type)
        or pa.types.is_integer(field.type)
    }
    assert measured - STATED - times - counts == here | (ELSEWHERE.keys() & measured)
