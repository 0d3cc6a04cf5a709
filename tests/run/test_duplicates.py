"""``curate --duplicates`` and ``--against`` on real speech: copies are found, others are not."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import pytest
import soundfile
from support.run_outputs import DEMO, all_rows, read_rows, run, write_byte, write_manifest

from beam_audio.audio.decode import resample
from beam_audio.errors import ConfigError
from beam_audio.run.duplicates import mark_duplicates

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CLIPS = {"greenhouse": "greenhouse.flac", "lake": "lake.mp3", "river": "river.wav"}


def read(name: str) -> tuple[NDArray[np.float32], int]:
    samples, rate_hz = soundfile.read(DEMO / CLIPS[name], dtype="float32", always_2d=True)
    return samples.mean(axis=1), rate_hz


def write_copies(folder: Path, name: str) -> None:
    """A recording, the same file again, and copies of it that sound the same."""
    folder.mkdir(exist_ok=True)
    samples, rate_hz = read(name)
    shutil.copy(DEMO / CLIPS[name], folder / f"{name}.a.{CLIPS[name].rpartition('.')[2]}")
    shutil.copy(DEMO / CLIPS[name], folder / f"{name}.b.{CLIPS[name].rpartition('.')[2]}")
    soundfile.write(folder / f"{name}.quiet.wav", samples * 0.25, rate_hz, subtype="PCM_16")
    soundfile.write(folder / f"{name}.vorbis.ogg", samples, rate_hz, subtype="VORBIS")
    soundfile.write(folder / f"{name}.8k.wav", resample(samples, rate_hz, 8_000), 8_000)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of copies of three recordings, not yet compared."""
    folder = tmp_path_factory.mktemp("duplicates")
    for name in CLIPS:
        write_copies(folder / "audio", name)
    run(input=folder / "audio", output=folder / "out")
    return folder / "out"


@pytest.fixture
def out(first: Path, tmp_path: Path) -> Path:
    return shutil.copytree(first, tmp_path / "out")


def name_of(uri: str) -> str:
    return uri.rpartition("/")[2].partition(".")[0]


def test_of_copies_one_survives(out: Path) -> None:
    found = mark_duplicates(str(out), ("duplicate",))
    recordings = {row["recording_id"]: row for row in read_rows(out, "recordings")}
    survivors = [row for row in recordings.values() if row["duplicate_of"] is None]
    assert sorted(name_of(row["uri"]) for row in survivors) == sorted(CLIPS)
    for row in recordings.values():
        if row["duplicate_of"] is not None:
            survivor = recordings[row["duplicate_of"]]
            assert survivor in survivors
            assert name_of(survivor["uri"]) == name_of(row["uri"])
            assert row["duplicate_similarity"] > 0.85
            assert row["duplicate_by"] == "sound" or row["duplicate_similarity"] == 1.0
    segments = read_rows(out, "segments")
    assert sum(found.rows.values()) == sum(row["duplicate_of"] is not None for row in segments)
    ids = {row["segment_id"]: row for row in segments}
    for row in segments:
        if row["duplicate_of"] is not None:
            assert ids[row["duplicate_of"]]["duplicate_of"] is None


def test_marking_changes_the_marks_alone_and_again_nothing(out: Path) -> None:
    before = all_rows(out)
    mark_duplicates(str(out), ("duplicate",))
    after = all_rows(out)
    for table, rows in after.items():
        kept = [{key: row[key] for key in row if "duplicate_" not in key} for row in rows]
        assert kept == [
            {key: row[key] for key in row if "duplicate_" not in key} for row in before[table]
        ]
    stood = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    mark_duplicates(str(out), ("duplicate",))
    assert {path: path.read_bytes() for path in out.rglob("*.parquet")} == stood


def test_a_test_set_is_found_by_sound_and_the_rest_is_not(out: Path, tmp_path: Path) -> None:
    samples, rate_hz = read("lake")
    soundfile.write(tmp_path / "test.ogg", samples[rate_hz // 3 :], rate_hz, subtype="VORBIS")
    manifest = write_manifest(tmp_path / "test.jsonl", [{"audio_filepath": "test.ogg"}])
    mark_duplicates(str(out), ("test_overlap",), str(manifest))
    for row in read_rows(out, "recordings"):
        assert (row["test_overlap_by"] == "sound") is (name_of(row["uri"]) == "lake")
        assert row["duplicate_of"] is None
        if row["test_overlap_of"] is not None:
            assert row["test_overlap_of"].endswith("/test.ogg")


def test_a_test_set_is_found_by_text_where_its_audio_is_damaged(tmp_path: Path) -> None:
    text = "We shall not cease from exploration, and the end of all our exploring is here"
    samples, rate_hz = read("river")
    soundfile.write(tmp_path / "a.wav", samples, rate_hz)
    said = write_manifest(tmp_path / "own.jsonl", [{"audio_filepath": "a.wav", "text": text}])
    run(manifest=said, output=tmp_path / "out")
    write_byte(tmp_path, "damaged.wav")
    line = {"audio_filepath": "damaged.wav", "text": text.upper().replace(",", "")}
    manifest = write_manifest(tmp_path / "test.jsonl", [line])
    mark_duplicates(str(tmp_path / "out"), ("test_overlap",), str(manifest))
    (row,) = read_rows(tmp_path / "out", "recordings")
    assert row["test_overlap_by"] == "text"


def test_another_output_is_a_test_set(out: Path, tmp_path: Path) -> None:
    file = io.BytesIO((DEMO / CLIPS["river"]).read_bytes())
    (tmp_path / "river.wav").write_bytes(file.getvalue())
    run(input=tmp_path / "river.wav", output=tmp_path / "test")
    mark_duplicates(str(out), ("test_overlap",), str(tmp_path / "test"))
    marked = {name_of(row["uri"]): row["test_overlap_by"] for row in read_rows(out, "recordings")}
    assert marked.pop("river") in {"bytes", "samples", "sound"}
    # The placeholder writes few words, so that some of its texts are alike.
    assert set(marked.values()) <= {None, "text"}


def test_an_output_is_not_compared_with_itself(out: Path) -> None:
    with pytest.raises(ConfigError, match="name another output"):
        mark_duplicates(str(out), ("test_overlap",), f"{out}/")


def test_an_empty_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no committed part files"):
        mark_duplicates(str(tmp_path), ("duplicate",))
