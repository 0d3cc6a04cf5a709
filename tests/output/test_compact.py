"""Compaction: fewer files, the same rows, and units that can be processed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from support import run_outputs
from support.project import ROOT
from support.unit_runs import (
    DEMO,
    LAYERS,
    Scripted,
    fail_when_loud,
    levels,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.output.commits import delete_uncommitted, is_shared, read_commits
from beam_audio.output.compact import CompactionProgress, compact, drop_stale_rows
from beam_audio.output.folder import in_use
from beam_audio.output.ledger import read_ledger
from beam_audio.store import files

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef
    from beam_audio.unit.unit_settings import UnitSettings

STORED = settings(store_audio="flac")
ANOTHER_MODEL = settings(layers=LAYERS | {"model": "m2"})
OTHER_RULES = settings(rules="strict")


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    """Six recordings on two days; one has a segment that fails."""
    paths = [write(tmp_path / f"{n}.wav", tones(levels(n + 1))) for n in range(5)]
    paths.append(write(tmp_path / "loud.wav", tones([0.2, 0.95, 0.3])))
    return [ref(path, metadata=(("n", str(n)),)) for n, path in enumerate(paths)]


@pytest.fixture
def out(tmp_path: Path, inputs: list[AudioRef]) -> Path:
    """An output of as many units as inputs."""
    for item in inputs:
        transcribe(tmp_path / "out", item, recognizer=Scripted(fail_when_loud))
    return tmp_path / "out"


def parts(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.parquet"))


def is_consistent(root: Path, inputs: list[AudioRef]) -> bool:
    """Whether records and files on disk agree, and nothing is lost."""
    named = {name for commit in read_commits(str(root)) for name in commit.files}
    ledger = read_ledger(str(root), [item.source_id for item in inputs])
    return sorted(named) == parts(root) and ledger.balances


def test_each_folder_has_one_file_with_the_same_rows(out: Path, inputs: list[AudioRef]) -> None:
    before, files = read_all(out), parts(out)
    ledger = read_ledger(str(out), [item.source_id for item in inputs])
    progress = CompactionProgress()
    done = compact(str(out), progress=progress)
    assert read_all(out) == before
    folders = {name.rpartition("/")[0] for name in files}
    assert (done.files_before, done.files_after) == (len(files), len(folders))
    assert len(parts(out)) == len(folders)
    assert done.rewritten_bytes > 0
    assert progress.merged == progress.of > 0
    assert is_consistent(out, inputs)
    assert read_ledger(str(out), [item.source_id for item in inputs]) == ledger


def test_a_second_compaction_changes_nothing(out: Path) -> None:
    compact(str(out))
    stood = {name: (out / name).stat().st_mtime_ns for name in parts(out)}
    done = compact(str(out))
    assert done.files_before == done.files_after == len(stood)
    assert done.rewritten_bytes == 0
    assert {name: (out / name).stat().st_mtime_ns for name in parts(out)} == stood


def test_new_files_join_a_file_merged_before(out: Path, inputs: list[AudioRef]) -> None:
    compact(str(out))
    more = write(out.parent / "more.wav", tones([0.5]))
    transcribe(out, ref(more))
    before, files = read_all(out), parts(out)
    compact(str(out))
    assert read_all(out) == before
    assert len(parts(out)) < len(files)
    assert is_consistent(out, [*inputs, ref(more)])


def test_files_are_merged_up_to_the_target_size(out: Path, inputs: list[AudioRef]) -> None:
    largest = max((out / name).stat().st_size for name in parts(out))
    before = read_all(out)
    compact(str(out), target_bytes=int(2.5 * largest))
    recordings = [name for name in parts(out) if name.startswith("recordings/")]
    assert 1 < len(recordings) < len(inputs)
    assert read_all(out) == before
    compact(str(out), target_bytes=1)
    assert [name for name in parts(out) if name.startswith("recordings/")] == recordings


def test_stored_audio_is_kept(tmp_path: Path) -> None:
    clips = [ref(DEMO / "river.wav"), ref(DEMO / "greenhouse.flac")]
    for item in clips:
        transcribe(tmp_path, item, using=STORED)
    before = read_all(tmp_path)
    compact(str(tmp_path))
    assert read_all(tmp_path) == before
    (name,) = (name for name in parts(tmp_path) if name.startswith("segments/"))
    assert b"huggingface" in pq.read_metadata(tmp_path / name).metadata


@pytest.mark.parametrize("using", [OTHER_RULES, ANOTHER_MODEL], ids=["rules", "model"])
def test_a_merged_unit_can_be_processed_again(
    out: Path, inputs: list[AudioRef], using: UnitSettings, tmp_path: Path
) -> None:
    compact(str(out))
    recognizer = Scripted(fail_when_loud)
    for item in inputs:
        transcribe(tmp_path / "fresh", item, recognizer=recognizer, using=using)
    changed = inputs[:2]
    update(out, *changed, recognizer=recognizer, using=using)
    assert read_ledger(str(out), [item.source_id for item in inputs]).balances
    drop_stale_rows(str(out))
    names = {row["source_id"] for row in read_all(out)["recordings"]}
    assert names == {item.source_id for item in inputs}
    assert is_consistent(out, inputs)
    update(out, *inputs, recognizer=recognizer, using=using)
    drop_stale_rows(str(out))
    assert read_all(out) == read_all(tmp_path / "fresh")
    assert not any(map(is_shared, parts(out)))
    assert is_consistent(out, inputs)


def test_compaction_leaves_out_rows_that_are_no_longer_valid(
    out: Path, inputs: list[AudioRef]
) -> None:
    compact(str(out))
    update(out, inputs[0], using=OTHER_RULES)
    assert len(read_all(out)["recordings"]) == len(inputs) + 1
    compact(str(out))
    assert len(read_all(out)["recordings"]) == len(inputs)
    assert is_consistent(out, inputs)


KILLED = """
import sys
from beam_audio import store
from beam_audio.output import commits, compact
from beam_audio.store import files
root, left = sys.argv[1], int(sys.argv[2])
def counted(function):
    def call(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return call
store.move_into = files.move_into = counted(store.move_into)
store.delete = files.delete = counted(store.delete)
compact.compact(root)
"""


@pytest.mark.parametrize("steps", [0, 1, 3, 8, 13, 20])
def test_a_killed_compaction_is_continued(steps: int, out: Path, inputs: list[AudioRef]) -> None:
    before = read_all(out)
    command = [sys.executable, "-c", KILLED, str(out), str(steps)]
    killed = subprocess.run(command, cwd=ROOT, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert read_ledger(str(out), [item.source_id for item in inputs]).balances
    compact(str(out))
    delete_uncommitted(str(out))
    assert read_all(out) == before
    assert is_consistent(out, inputs)


def test_a_run_that_starts_meanwhile_deletes_no_merged_file(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_all(out)
    move_into = store.move_into

    def start_a_run_after(root: str, names: dict[str, str]) -> None:
        move_into(root, names)
        with in_use(root, lambda: delete_uncommitted(root)):
            pass

    for module in (store, files):
        monkeypatch.setattr(module, "move_into", start_a_run_after)
    compact(str(out))
    assert read_all(out) == before


def test_an_output_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no committed part files.*--output"):
        compact(str(tmp_path))


def test_a_missing_part_file_stops_it_before_anything_changes(out: Path) -> None:
    name = parts(out)[0]
    (out / name).unlink()
    left = parts(out)
    with pytest.raises(StoreError, match=name.rpartition("/")[2]):
        compact(str(out))
    assert parts(out) == left


def test_a_run_over_a_compacted_output_counts_its_inputs(tmp_path: Path) -> None:
    """The list of inputs outlives the clean-up at the end of the run."""
    for index in range(2):
        run_outputs.write_speech(tmp_path / "in" / f"{index}.wav", index, seconds=1.0)
    flags = {"input": tmp_path / "in", "output": tmp_path / "out", "unit_bytes": 1}
    run_outputs.run(**flags)
    assert compact(str(tmp_path / "out")).files_after == 2
    again = run_outputs.run(**flags)
    assert (again.listed, again.ledger.inputs, again.new_inputs) == (2, 2, 0)
