"""A recording to its text: the same as a run's, from any kind of source, in bounded memory."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from support.bucket_servers import google_bucket, put
from support.installed_models import needs_tiny_en
from support.run_outputs import run_command
from support.unit_runs import (
    DEMO,
    PLACEHOLDER,
    RATE_HZ,
    Scripted,
    hear_loudness,
    read,
    speech,
    write,
)

from beam_audio.audio.decode import decode
from beam_audio.errors import DecodeError, InputError, ModelError
from beam_audio.types import Transcript, Word
from beam_audio.unit.transcription import Transcription, transcribe

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import Row

CLIP = DEMO / "river.wav"


def run_over(source: Path, out: Path, *flags: str) -> dict[str, tuple[Row, list[Row]]]:
    """By uri: the rows that ``beam-audio run`` writes of a recording and of its segments."""
    assert run_command("run", f"--input={source}", f"--output={out}", *flags) == 0
    segments = sorted(read(out, "segments"), key=lambda row: row["segment_index"])
    return {
        row["uri"]: (row, [each for each in segments if each["uri"] == row["uri"]])
        for row in read(out, "recordings")
    }


def check_equal(found: Transcription, recording: Row, segments: list[Row]) -> None:
    """A transcription says what the rows of a run say."""
    assert (found.text, found.language) == (recording["text"], recording["language"])
    assert found.duration_seconds == recording["decoded_seconds"]
    for name in ("start_seconds", "end_seconds", "text", "language"):
        assert [getattr(each, name) for each in found.segments] == [row[name] for row in segments]
    for each, row in zip(found.segments, segments, strict=True):
        assert each.avg_logprob == pytest.approx(row["avg_logprob"], abs=1e-4)
        assert each.quality.snr_db == pytest.approx(row["snr_db"], abs=1e-4)
        assert [(word.word, word.start_seconds, word.end_seconds) for word in each.words or ()] == [
            (word["word"], word["start_seconds"], word["end_seconds"]) for word in row["words"]
        ]


@needs_tiny_en
@pytest.mark.slow
def test_demo_clips_have_the_rows_of_a_run(tmp_path: Path) -> None:
    rows = run_over(DEMO, tmp_path / "out")
    assert len(rows) == 3
    for uri, (recording, segments) in rows.items():
        check_equal(transcribe(uri), recording, segments)


@needs_tiny_en
@pytest.mark.slow
@pytest.mark.shared
def test_long_recording_has_the_rows_of_a_run(shared_data: Path, tmp_path: Path) -> None:
    """Many passages, and a stretch of noise that Whisper decodes by chance."""
    clips = [soundfile.read(path)[0] for path in sorted(shared_data.glob("librispeech/*.flac"))]
    noise = 0.1 * np.random.default_rng(0).standard_normal(5 * RATE_HZ)
    joined = np.concatenate([*clips[:6], noise, *clips[6:9]]).astype(np.float32)
    long = write(tmp_path / "long.flac", joined)
    ((recording, segments),) = run_over(long, tmp_path / "out").values()
    assert recording["decoded_seconds"] > 60
    check_equal(transcribe(long), recording, segments)


def test_every_kind_of_source_gives_the_same() -> None:
    encoded = CLIP.read_bytes()
    audio = decode(CLIP)
    samples = transcribe(
        audio.samples.astype(np.float64), model=PLACEHOLDER, sample_rate_hz=audio.sample_rate_hz
    )
    assert samples.segments
    for source in (str(CLIP), CLIP, encoded, io.BytesIO(encoded), audio):
        assert transcribe(source, model=PLACEHOLDER) == samples


def test_samples_at_integer_scale_come_to_full_scale() -> None:
    audio = decode(CLIP)
    found, expected = (
        transcribe(samples, model=PLACEHOLDER, sample_rate_hz=audio.sample_rate_hz)
        for samples in (audio.samples * 32_768, audio.samples)
    )
    assert found == expected


def test_recording_in_a_bucket_gives_the_same() -> None:
    with google_bucket() as bucket:
        put(f"{bucket}/a.wav", CLIP.read_bytes())
        found = transcribe(f"{bucket}/a.wav", model=PLACEHOLDER)
    assert found == transcribe(CLIP, model=PLACEHOLDER)


def test_loaded_model_is_used_and_told_the_language() -> None:
    asked: list[str | None] = []

    def hear(request: Request) -> Transcript:
        asked.append(request.language)
        return Transcript("Regen.", request.language, words=(Word("Regen.", 0.1, 0.3, 0.9),))

    found = transcribe(CLIP, model=Scripted(hear), language="de")
    assert (found.text, found.language, set(asked)) == ("Regen. Regen.", "de", {"de"})
    for segment in found.segments:
        (word,) = segment.words or ()
        assert word.start_seconds == pytest.approx(segment.start_seconds + 0.1, abs=1e-3)


@pytest.mark.parametrize("name", ["de", "deu", "German", "de-AT"])
def test_every_name_of_a_language_reaches_the_model_as_its_code(name: str) -> None:
    recognizer = Scripted()
    transcribe(CLIP, model=recognizer, language=name)
    assert {request.language for batch in recognizer.batches for request in batch} == {"de"}


def test_language_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(ModelError, match="'xx'; it knows de, en, fr, ja"):
        transcribe(CLIP, model=Scripted(), language="xx")


def test_silence_has_no_segments(tmp_path: Path) -> None:
    silence = write(tmp_path / "silence.wav", np.zeros(3 * RATE_HZ, np.float32))
    assert transcribe(silence, model=PLACEHOLDER) == Transcription("", None, 3.0, ())


def test_failed_segment_costs_itself_only(tmp_path: Path) -> None:
    gap = np.zeros(2 * RATE_HZ, np.float32)
    loud = speech() / np.abs(speech()).max()
    quiet = 0.3 * loud
    path = write(tmp_path / "three.wav", np.concatenate([quiet, gap, loud, gap, quiet]))

    def hear(request: Request) -> Transcript:
        if np.abs(request.samples).max() > 0.9:
            raise ValueError("this clip hurts")
        return hear_loudness(request)

    with pytest.warns(UserWarning, match="in part: this clip hurts"):
        found = transcribe(path, model=Scripted(hear))
    (failure,) = found.failures
    assert failure.start_seconds is not None
    before, *others = found.segments
    assert others
    assert before.end_seconds <= failure.start_seconds < others[-1].start_seconds


def test_recording_that_breaks_off_keeps_its_good_part(tmp_path: Path) -> None:
    whole = np.concatenate([speech(), speech()])
    write(tmp_path / "whole.flac", whole)
    encoded = (tmp_path / "whole.flac").read_bytes()
    with pytest.warns(UserWarning, match="transcribed in part"):
        found = transcribe(encoded[: len(encoded) * 2 // 3], model=PLACEHOLDER)
    assert found.segments
    assert 0 < found.duration_seconds < len(whole) / RATE_HZ
    assert [failure.stage for failure in found.failures] == ["decode"]


@pytest.mark.parametrize(
    ("source", "rate_hz", "error", "message"),
    [
        ("missing.wav", None, InputError, r"missing\.wav"),
        (b"no audio at all", None, DecodeError, "audio"),
        (np.zeros(RATE_HZ), None, InputError, "pass sample_rate_hz="),
        (np.zeros(RATE_HZ, np.int16), RATE_HZ, InputError, "samples / 32768"),
        (np.zeros((RATE_HZ, 2)), RATE_HZ, InputError, "mix the channels"),
        (CLIP, RATE_HZ, InputError, "states its own rate"),
    ],
)
def test_sources_that_cannot_be_transcribed_are_refused(
    source: Any,  # noqa: ANN401
    rate_hz: int | None,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        transcribe(source, model=PLACEHOLDER, sample_rate_hz=rate_hz)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    """Ten minutes at 48 kHz are 115 MB of samples; fewer are held at once."""
    once = np.repeat(speech(), 3)
    repeats = 600 * 48_000 // len(once) + 1
    with soundfile.SoundFile(tmp_path / "long.flac", "w", 48_000, 1) as file:
        for _ in range(repeats):
            file.write(once)
    recognizer = Scripted(lambda request: Transcript(str(len(request.samples))))
    recognizer.batches = _Forgetful()
    tracemalloc.start()
    try:
        found = transcribe(tmp_path / "long.flac", model=recognizer)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.duration_seconds > 600
    assert len(found.segments) > 20
    assert peak_bytes < 95e6


class _Forgetful(list[list["Request"]]):
    """Keeps no clip that the recogniser heard."""

    def append(self, item: list[Request]) -> None:
        """Forget it."""
