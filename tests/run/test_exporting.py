"""Exports of whole outputs, as a graph."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support import run_outputs
from support.bucket_servers import google_bucket
from support.project import ROOT
from support.unit_runs import files

from beam_audio import store
from beam_audio.curate.redact import redact_unit
from beam_audio.errors import ConfigError
from beam_audio.export import records
from beam_audio.export.note import read_exports
from beam_audio.export.options import ExportOptions
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact
from beam_audio.run.exporting import export

if TYPE_CHECKING:
    from beam_audio.types import Row

THREADS = ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]
NEMO = ExportOptions("nemo", where="true")
SHARDS = ExportOptions("webdataset", where="true", shard_seconds=3.0)


@pytest.fixture
def out(tmp_path: Path) -> str:
    """An output of four units, with stored audio."""
    for index in range(4):
        run_outputs.write_speech(tmp_path / "in" / f"{index}.wav", 0.5 * index, seconds=4.0)
    run_outputs.run(
        input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1, store_audio="flac"
    )
    return str(tmp_path / "out")


@pytest.fixture
def groups_are_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit is exported on its own; threads do it, as processes take seconds to start."""
    monkeypatch.setattr(records, "GROUP_SEGMENTS", 1)


def content(target: Path) -> dict[str, bytes]:
    """The files of an export, without its records of work."""
    return {name: each for name, each in files(target).items() if not name.startswith("_")}


def lines(target: Path, name: str = "data/manifest.jsonl") -> list[Row]:
    return [json.loads(line) for line in (target / name).read_text("utf-8").splitlines()]


def test_every_segment_is_exported_with_its_text_and_samples(out: str, tmp_path: Path) -> None:
    done = export(out, str(tmp_path / "x"), NEMO)
    rows = {row["segment_id"]: row for row in run_outputs.read_rows(out, "segments")}
    found = {line["id"]: line for line in lines(tmp_path / "x")}
    texts = {name: row["text"] for name, row in rows.items() if row["text"]}
    assert {name: line["text"] for name, line in found.items()} == texts
    assert done.totals.unbalanced == {}
    for name, line in found.items():
        recording, rate_hz = soundfile.read(rows[name]["uri"], dtype="int16")
        start, end = (round(rows[name][f"{each}_seconds"] * rate_hz) for each in ("start", "end"))
        samples, _ = soundfile.read(tmp_path / "x" / "data" / line["audio_filepath"], dtype="int16")
        assert np.array_equal(samples, recording[start:end])
    assert read_exports(out) == [str(tmp_path / "x")]


@pytest.mark.usefixtures("groups_are_units")
def test_a_second_export_writes_nothing(out: str, tmp_path: Path) -> None:
    target = tmp_path / "x"
    first = export(out, str(target), SHARDS, THREADS)
    stood = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    noted = files(Path(out))
    second = export(out, str(target), SHARDS, THREADS)
    assert (second.is_new, second.totals) == (False, first.totals)
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == stood
    assert files(Path(out)) == noted


@pytest.mark.usefixtures("groups_are_units")
@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_other_workers_and_compacted_files_give_the_same_export(
    out: str, tmp_path: Path, mode: str
) -> None:
    export(out, str(tmp_path / "x"), SHARDS, THREADS)
    compact(out)
    export(out, str(tmp_path / "y"), SHARDS, [THREADS[0], f"--direct_running_mode={mode}"])
    assert content(tmp_path / "y") == content(tmp_path / "x")


@pytest.mark.usefixtures("groups_are_units")
def test_a_bucket_is_given_the_same_export(out: str, tmp_path: Path) -> None:
    local = export(out, str(tmp_path / "x"), SHARDS, THREADS)
    with google_bucket() as bucket:
        assert export(out, f"{bucket}/x", SHARDS, THREADS).totals == local.totals
        written = {
            each.path.removeprefix(f"{bucket}/x/"): store.open_to_read(each.path).read()
            for each in store.files_under(f"{bucket}/x")
        }
        again = export(out, f"{bucket}/x", SHARDS, THREADS)
    assert not again.is_new
    assert {name: each for name, each in written.items() if not name.startswith("_")} == content(
        tmp_path / "x"
    )


def test_an_export_follows_its_output(out: str, tmp_path: Path) -> None:
    target, options = tmp_path / "x", ExportOptions("nemo_tarred", where="true")
    before = export(out, str(target), options)
    redact_unit(out, next(read_commits(out)), run_id="r")
    after = export(out, str(target), options)
    assert after.is_new
    assert sum(after.totals.items.values()) < sum(before.totals.items.values())
    assert after.totals.unbalanced == {}
    named = {name for record in records.read_records(str(target)) for name in record.files}
    assert {name for name in content(target) if name.startswith("data/")} == named


def test_splits_do_not_depend_on_what_else_is_exported(out: str, tmp_path: Path) -> None:
    # Ids of recordings depend on the folder of the test; 0.2 is between the hashes of 0 and 1.
    splits = (("train", 0.2), ("test", 0.8))
    by = "segment_index"
    all_of_it = ExportOptions("nemo", where="true", splits=splits, split_by=by)
    some = ExportOptions("nemo", where="segment_index = 0", splits=splits, split_by=by)
    export(out, str(tmp_path / "x"), all_of_it)
    export(out, str(tmp_path / "y"), some)
    found = {
        each: {
            line["id"]: path.parent.name
            for path in (tmp_path / each).glob("*/manifest.jsonl")
            for line in lines(path.parent, path.name)
        }
        for each in ("x", "y")
    }
    assert set(found["x"].values()) == {"train", "test"}
    assert found["y"].items() < found["x"].items()


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", [("data", 1), ("data", 2), ("data", 4), ("_export/groups", 1), ("", 1)]
)
def test_no_half_file_is_seen_whenever_it_is_killed(
    out: str, tmp_path: Path, place: tuple[str, int]
) -> None:
    whole, target = tmp_path / "whole", tmp_path / "x"
    flags = ["--format=webdataset", "--where=true", "--shard_seconds=3"]
    folder, number = place
    command = [
        *(sys.executable, str(ROOT / "tests" / "support" / "killed_at.py")),
        *(str(target / folder), str(number), "export", out, *flags, f"--output={target}"),
    ]
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == -signal.SIGKILL
    export(out, str(whole), SHARDS)
    complete = content(whole)
    assert all(complete[name] == each for name, each in content(target).items())
    assert len(content(target)) < len(complete)
    export(out, str(target), SHARDS)
    assert {name: each for name, each in content(target).items() if name != "export.json"} == {
        name: each for name, each in complete.items() if name != "export.json"
    }
    assert not (target / "_tmp").exists()


def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    out: str, tmp_path: Path
) -> None:
    target = tmp_path / "x"
    for options, told in (
        (ExportOptions("nemo", where="nothing > 1"), "is not understood"),
        (ExportOptions("kaldi", codec="opus"), "does not take"),
        (ExportOptions("srt", buckets=(1.0,)), "has no audio"),
    ):
        with pytest.raises(ConfigError, match=told):
            export(out, str(target), options)
    with pytest.raises(ConfigError, match="no committed part files"):
        export(str(tmp_path / "nowhere"), str(target), NEMO)
    with pytest.raises(ConfigError, match="folder beside it"):
        export(out, f"{out}/x", NEMO)
    assert not target.exists()
    assert read_exports(out) == []
