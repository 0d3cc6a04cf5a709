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
WITH_AUDIO = ("nemo", "nemo_tarred", "webdataset", "shar", "huggingface", "kaldi", "coqui")
WITH_TIMES = ("srt", "vtt", "textgrid")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of a dozen recordings."""
    folder = tmp_path_factory.mktemp("readers")
    for index in range(12):
        write_speech(folder / "in" / f"{index}.wav", 0.25 * index, seconds=6.0)
    run(input=folder / "in", output=folder / "out", store_audio="flac")
    return folder / "out"


def read(out: Path, name: str, target: Path) -> list[dict[str, Any]]:
    """What the library of a format finds in an export of all segments."""
    options = ExportOptions(name, where="text <> ''", shard_seconds=20.0)  # type: ignore[arg-type] # a format
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


def expected(out: Path) -> dict[str, tuple[str, bytes]]:
    """Text and samples of each segment, cut out of its recording."""
    found = {}
    for row in read_rows(out, "segments"):
        samples, rate_hz = soundfile.read(row["uri"], dtype="int16")
        start, end = (round(row[f"{each}_seconds"] * rate_hz) for each in ("start", "end"))
        if row["text"]:
            found[row["segment_id"]] = (row["text"], samples[start:end].tobytes())
    return found


@pytest.mark.parametrize("name", WITH_AUDIO)
def test_texts_and_samples_are_those_of_the_recordings(
    out: Path, tmp_path: Path, name: str
) -> None:
    items = read(out, name, tmp_path / "x")
    assert len(items) == len({each["id"] for each in items})
    found = {
        each["id"]: (each["text"], np.load(tmp_path / f"{each['id']}.npy").tobytes())
        for each in items
    }
    assert found == expected(out)


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


def test_documents_are_the_texts_of_recordings(out: Path, tmp_path: Path) -> None:
    found = {each["id"]: each["text"] for each in read(out, "documents", tmp_path / "x")}
    assert found == {row["recording_id"]: row["text_all"] for row in read_rows(out, "recordings")}
