"""Each export opens with the library of its format: texts and samples are those of the output."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from support.project import ROOT
from support.run_outputs import read_rows, run, write_speech

from beam_audio.export.options import ExportOptions
from beam_audio.run.exporting import export

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = ROOT / ".venv-readers" / "bin" / "python"
PROGRAM = ROOT / "tests" / "support" / "export_readers.py"
COLUMNS = {"text", "speaker", "speech_score", "samples"}
TOLD = {
    **dict.fromkeys(("nemo", "nemo_tarred", "webdataset", "shar", "huggingface"), COLUMNS),
    "kaldi": {"text", "speaker", "samples"},
    "coqui": {"text", "samples"},
}
"""What a format with audio tells."""
WITH_TIMES = ("srt", "vtt", "textgrid")

pytestmark = [pytest.mark.integration, pytest.mark.shared]


@pytest.fixture(scope="module")
def out(shared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of a dozen recordings, with what sounds in them and who speaks."""
    folder = tmp_path_factory.mktemp("readers")
    for index in range(12):
        write_speech(folder / "in" / f"{index}.wav", 0.25 * index, seconds=6.0)
    networks = {"classify_model": shared_models, "speaker_model": shared_models}
    run(input=folder / "in", output=folder / "out", store_audio="flac", **networks)
    return folder / "out"


def read(out: Path, name: str, target: Path) -> list[dict[str, Any]]:
    """What the library of a format finds in an export of all segments."""
    options = ExportOptions(
        name,  # type: ignore[arg-type] # a format
        where="text <> ''",
        shard_seconds=20.0,
        columns=("speech_score",),
    )
    export(str(out), str(target), options)
    ran = subprocess.run(
        [PYTHON, PROGRAM, name, target.parent, target / "data"],
        env=os.environ | {"HOME": str(target), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    _, *items = [json.loads(line) for line in ran.stdout.splitlines()]
    return items


def expected(out: Path) -> dict[str, dict[str, Any]]:
    """What is told of each segment, and its samples, cut out of its recording."""
    found = {}
    for row in read_rows(out, "segments"):
        samples, rate_hz = soundfile.read(row["uri"], dtype="int16")
        start, end = (round(row[f"{each}_seconds"] * rate_hz) for each in ("start", "end"))
        if row["text"]:
            found[row["segment_id"]] = {
                "text": row["text"],
                "speaker": f"{row['recording_id'][:12]}_{row['speaker_label']}",
                "speech_score": row["speech_score"],
                "samples": samples[start:end].tobytes(),
            }
    return found


@pytest.mark.parametrize("name", TOLD)
def test_texts_and_samples_are_those_of_the_recordings(
    out: Path, tmp_path: Path, name: str
) -> None:
    items = read(out, name, tmp_path / "x")
    wanted = expected(out)
    assert sorted(each["id"] for each in items) == sorted(wanted)
    for each in items:
        own = wanted[each["id"]]
        told = each | {"samples": np.load(tmp_path / f"{each['id']}.npy").tobytes()}
        assert {what: told[what] for what in TOLD[name]} == {what: own[what] for what in TOLD[name]}


@pytest.mark.parametrize("name", WITH_TIMES)
def test_transcripts_have_texts_and_times(out: Path, tmp_path: Path, name: str) -> None:
    items = read(out, name, tmp_path / "x")
    rows = [row for row in read_rows(out, "segments") if row["text"]]
    assert sorted(each["text"] for each in items) == sorted(row["text"] for row in rows)
    for each in items:
        assert any(
            each["text"] == row["text"]
            and each["start"] == pytest.approx(row["start_seconds"], abs=0.5)
            and each["end"] == pytest.approx(row["end_seconds"], abs=0.5)
            for row in rows
        )


def test_turns_are_those_of_the_rows(out: Path, tmp_path: Path) -> None:
    rows = [row for row in read_rows(out, "segments") if row["text"]]
    turns = [
        (row["recording_id"], turn["speaker"], turn["start_seconds"], turn["end_seconds"])
        for row in rows
        for turn in row["speaker_turns"]
    ]
    items = read(out, "rttm", tmp_path / "x")
    found = [(each["id"], each["speaker"], each["start"], each["end"]) for each in items]
    assert turns
    for one, other in zip(sorted(found), sorted(turns), strict=True):
        assert one == (*other[:2], *(pytest.approx(each, abs=0.002) for each in other[2:]))


def test_documents_are_the_texts_of_recordings(out: Path, tmp_path: Path) -> None:
    found = {each["id"]: each["text"] for each in read(out, "documents", tmp_path / "x")}
    assert found == {row["recording_id"]: row["text_all"] for row in read_rows(out, "recordings")}
