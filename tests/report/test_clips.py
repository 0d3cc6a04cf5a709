from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from support.run_outputs import run, write_speech

from beam_audio.report.clips import Clip, ClipLimits, clips_of
from beam_audio.report.content import report_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report
    from beam_audio.report.tables import Tables


def made(output: Path | str, limits: ClipLimits | None = None) -> dict[str, Clip | str]:
    with opened_tables(str(output)) as tables:
        found = report_of(tables)
        return clips_of(tables, found.segments, found.recordings, limits or ClipLimits())


@pytest.fixture
def unstored(tmp_path: Path) -> Path:
    write_speech(tmp_path / "one.wav")
    write_speech(tmp_path / "two.wav", start_seconds=2.0)
    run(input=tmp_path / "*.wav", output=tmp_path / "out")
    return tmp_path / "out"


def test_stored_audio_becomes_a_clip_of_its_length(report: Report, tables: Tables) -> None:
    clips = clips_of(tables, report.segments, report.recordings)
    for segment in report.segments:
        clip = clips[segment["segment_id"]]
        assert isinstance(clip, Clip)
        assert clip.origin == "stored"
        samples, rate_hz = soundfile.read(io.BytesIO(clip.opus))
        assert len(samples) / rate_hz == pytest.approx(segment["duration_seconds"], abs=0.1)
        assert max(clip.peaks) == 100


def test_audio_that_is_not_stored_is_cut_out_of_its_file(unstored: Path) -> None:
    with opened_tables(str(unstored)) as tables:
        found = report_of(tables)
        clips = clips_of(tables, found.segments, found.recordings)
    for segment in found.segments:
        clip = clips[segment["segment_id"]]
        assert isinstance(clip, Clip)
        assert clip.origin == "source"
        whole, rate_hz = soundfile.read(segment["uri"])
        start, end = (round(segment[f"{edge}_seconds"] * rate_hz) for edge in ("start", "end"))
        edges = np.linspace(0, end - start, len(clip.peaks), endpoint=False).astype(int)
        expected = np.maximum.reduceat(np.abs(whole[start:end]), edges)
        assert np.corrcoef(expected, clip.peaks)[0, 1] > 0.98


def test_a_changed_or_missing_file_says_why_there_is_no_clip(unstored: Path) -> None:
    one, two = (unstored.parent / name for name in ("one.wav", "two.wav"))
    write_speech(one, start_seconds=1.0)
    two.unlink()
    reasons = [str(clip) for clip in made(unstored).values()]
    assert any("has changed" in why for why in reasons)
    assert any("cannot be read" in why for why in reasons)
    assert not any(isinstance(clip, Clip) for clip in made(unstored).values())


def test_clips_end_where_the_page_would_get_large_or_take_long(output: Path) -> None:
    few = list(made(output, ClipLimits(most_bytes=12_000)).values())
    assert isinstance(few[0], Clip)
    assert sum(len(clip.opus) for clip in few if isinstance(clip, Clip)) <= 12_000
    assert "keep the page small" in str(few[-1])
    assert {
        "took too long" in str(clip) for clip in made(output, ClipLimits(most_seconds=-1)).values()
    } == {True}


def test_audio_that_is_stored_as_opus_stays_as_it_is(tmp_path: Path) -> None:
    write_speech(tmp_path / "one.wav")
    run(input=tmp_path / "*.wav", output=tmp_path / "out", store_audio="opus")
    clips = made(tmp_path / "out")
    with opened_tables(str(tmp_path / "out")) as tables:
        part = tables.rows("SELECT part FROM all_segments")[0]["part"]
    rows = pq.ParquetFile(tmp_path / "out" / part).read(["segment_id", "audio"]).to_pylist()
    stored = {row["segment_id"]: row["audio"]["bytes"] for row in rows}
    assert {name: clip.opus for name, clip in clips.items() if isinstance(clip, Clip)} == stored
