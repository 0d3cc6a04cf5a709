"""Rows read back: the values they were made of, and unchanged copies."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    DEMO,
    RIVER,
    VAD,
    Scripted,
    fail_when_loud,
    read_all,
    ref,
    settings,
    speech,
    tones,
    transcribe,
    write,
)

from beam_audio.output.parts import PartWriter, carry, rows_of
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript, Word
from beam_audio.unit.rows import recording_rows
from beam_audio.unit.stored_rows import StoredUnit

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.output.commits import Commit
    from beam_audio.unit.unit_settings import UnitSettings

OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=0.7)


def write_again(out: Path, target: Path, commit: Commit, using: UnitSettings) -> None:
    """Rows of all recordings of a unit, made again from the stored ones."""
    refs = {uri: each for each in REFS for uri in [each.uri]}
    with TemporaryFile() as audio, PartWriter(str(target), {"store_audio": "flac"}) as writer:
        stored = StoredUnit(str(out), commit, commit.sources.keys(), audio)
        for source_id in commit.sources_that("recorded"):
            item = next(each for each in refs.values() if each.source_id == source_id)
            for each in stored.recordings(source_id, item, "mix"):
                for row in recording_rows(each.end, each.outcomes, using.rows, audio):
                    writer.write(*row)
        writer.finish("x")


REFS = [
    ref(DEMO / "greenhouse.flac", language="en"),
    ref(DEMO / "river.wav", reference_text=RIVER, metadata=(("speaker", "b"),)),
]


def with_words(request: Request) -> Transcript:
    """Two words that fill the clip, in a certain language."""
    half = len(request.samples) / 32_000
    words = (Word("so", 0.0, half, 0.51234567), Word("be", half, 2 * half, None))
    return Transcript("so be", "en", 0.987654321, -0.1234567, 0.0123456, words=words)


@pytest.mark.parametrize("partition_by", [("date", "language"), ("language", "speaker"), ()])
def test_rows_read_back_make_the_same_rows(tmp_path: Path, partition_by: tuple[str, ...]) -> None:
    using = settings(segments=VAD, store_audio="flac", partition_by=partition_by)
    report = transcribe(tmp_path / "out", *REFS, using=using, recognizer=Scripted(with_words))
    write_again(tmp_path / "out", tmp_path / "again", report.commit, using)
    assert read_all(tmp_path / "again") == read_all(tmp_path / "out")


def hear_so(language: str | None, _: Request) -> Transcript:
    return Transcript("so", language)


def test_a_missing_language_stays_distinct_from_a_recognised_one(tmp_path: Path) -> None:
    for name, language in (("none", None), ("english", "en")):
        recognizer = Scripted(partial(hear_so, language))
        report = transcribe(tmp_path / name, *REFS, using=settings(), recognizer=recognizer)
        with TemporaryFile() as audio:
            stored = StoredUnit(str(tmp_path / name), report.commit, {REFS[0].source_id}, audio)
            (recording,) = stored.recordings(REFS[0].source_id, REFS[0], "mix")
        found = {each.transcript.language for each in recording.outcomes if each.transcript}
        assert found == {language}


def test_failed_segments_and_truncations_are_read_back(tmp_path: Path) -> None:
    samples = tones([0.1, 0.2, 0.95, 0.3, 0.4, 0.1, 0.95])
    cut = write(tmp_path / "a.flac", np.concatenate([samples, speech()]))
    data = bytearray(cut.read_bytes()[:-5000])
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    cut.write_bytes(data)
    source = ref(cut, reference_text="alpha bravo")
    using = settings(segments=OVERLAPPING)
    recognizer = Scripted(fail_when_loud)
    report = transcribe(tmp_path / "out", source, using=using, recognizer=recognizer)
    with TemporaryFile() as audio:
        stored = StoredUnit(str(tmp_path / "out"), report.commit, {source.source_id}, audio)
        (recording,) = stored.recordings(source.source_id, source, "mix")
        with PartWriter(str(tmp_path / "again")) as writer:
            for row in recording_rows(recording.end, recording.outcomes, using.rows, audio):
                writer.write(*row)
            writer.finish("x")
    assert recording.end.truncation is not None
    assert recording.end.concealed_seconds > 0
    assert recording.end.reasons == ("damaged_packets",)
    assert sum(each.transcript is None for each in recording.outcomes) >= 2
    assert read_all(tmp_path / "again") == read_all(tmp_path / "out")


def test_a_copy_leaves_out_only_replaced_inputs(tmp_path: Path) -> None:
    inputs = [ref(write(tmp_path / f"{index}.wav", tones([0.1, 0.2]))) for index in range(3)]
    out, target = tmp_path / "out", tmp_path / "copy"
    report = transcribe(out, *inputs, replace(inputs[0], uri=str(tmp_path / "none.wav")))
    with PartWriter(str(target)) as writer:
        carry(str(out), report.commit, writer, {inputs[1].source_id})
        writer.finish("x")
    expected = {
        table: [row for row in rows if row["uri"] != inputs[1].uri]
        for table, rows in read_all(out).items()
    }
    assert read_all(target) == expected
    assert writer.rows == {"segments": 4, "recordings": 2, "failures": 1}


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    inputs = [ref(write(tmp_path / f"{index}.wav", tones([0.1, 0.2]))) for index in range(2)]
    commit = transcribe(tmp_path / "out", *inputs).commit
    (name,) = commit.files_of("segments")
    (rows,) = rows_of(str(tmp_path / "out"), name, {inputs[0].source_id}, ["text", "language"])
    assert rows.schema.names == ["source_id", "text"]  # the language is in the folder's name
    assert rows["source_id"].to_pylist() == [inputs[0].source_id] * 2
