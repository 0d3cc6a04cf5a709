"""The end of an export: lists, what is stale, and that nothing is written twice."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import files

from beam_audio import store
from beam_audio.errors import BeamAudioError
from beam_audio.export.finish import EXPORT_FILE, finish
from beam_audio.export.formats.table import settled
from beam_audio.export.options import ExportOptions
from beam_audio.export.records import GroupRecord, write_record
from beam_audio.export.totals import Totals

if TYPE_CHECKING:
    from pathlib import Path

KALDI = settled(ExportOptions("kaldi"))


def group(target: Path, name: str, lists: dict[str, list[str]], **totals: object) -> None:
    """A group that is done: a clip, lines of lists, and its record."""
    store.write_whole(str(target), f"data/{name}.wav", b"x")
    parts = {f"data/{each}": f"_export/lists/{name}/data/{each}" for each in lists}
    for each, lines in lists.items():
        content = "".join(f"{line}\n" for line in lines).encode()
        store.write_whole(str(target), parts[f"data/{each}"], content)
    total = Totals(items={"data": 1}, **totals)  # type: ignore[arg-type] # its fields
    write_record(
        str(target), GroupRecord(name, (f"data/{name}.wav",), parts, total, is_complete=True)
    )


def test_lists_are_sorted_by_bytes_over_all_groups(tmp_path: Path) -> None:
    group(tmp_path, "one", {"utt2spk": ["b-2 b", "a-1 a"], "text": ["b-2 grün\u2028rot", "a-1 x"]})
    group(tmp_path, "two", {"utt2spk": ["a-2 a", "B-1 B"], "text": ["a-2 y", "B-1 z"]})
    done = finish("/out", str(tmp_path), KALDI, {"one", "two"})
    assert done.totals.items == {"data": 2}
    data = tmp_path / "data"
    assert (data / "text").read_text("utf-8") == "B-1 z\na-1 x\na-2 y\nb-2 grün\u2028rot\n"
    assert (data / "spk2utt").read_text("utf-8") == "B B-1\na a-1 a-2\nb b-2\n"
    assert json.loads((tmp_path / EXPORT_FILE).read_text("utf-8"))["totals"]["items"] == {"data": 2}


def test_a_second_end_writes_nothing(tmp_path: Path) -> None:
    group(tmp_path, "one", {"utt2spk": ["a-1 a"]})
    assert finish("/out", str(tmp_path), KALDI, {"one"}).is_new
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert not finish("/out", str(tmp_path), KALDI, {"one"}).is_new
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_is_no_longer_exported_is_deleted(tmp_path: Path) -> None:
    group(tmp_path, "old", {"utt2spk": ["a-1 a"], "text": ["a-1 x"]})
    finish("/out", str(tmp_path), KALDI, {"old"})
    group(tmp_path, "new", {"utt2spk": ["b-1 b"]})
    (tmp_path / "data" / "mine.txt").write_text("mine", "utf-8")
    finish("/out", str(tmp_path), KALDI, {"new"})
    assert {name for name in files(tmp_path) if "_export" not in name} == {
        *("data/new.wav", "data/utt2spk", "data/spk2utt", "data/mine.txt", EXPORT_FILE)
    }
    assert (tmp_path / "data" / "utt2spk").read_text("utf-8") == "b-1 b\n"


def test_a_file_that_another_group_has_too_is_kept(tmp_path: Path) -> None:
    group(tmp_path, "one", {"utt2spk": ["a-1 a"]})
    store.write_whole(str(tmp_path), "data/gone.wav", b"x")
    old = GroupRecord("old", ("data/gone.wav", "data/one.wav"), {}, Totals(), is_complete=True)
    write_record(str(tmp_path), old)
    finish("/out", str(tmp_path), KALDI, {"one"})
    assert {path.name for path in (tmp_path / "data").glob("*.wav")} == {"one.wav"}


def test_a_table_has_its_header_once(tmp_path: Path) -> None:
    group(tmp_path, "one", {"samples.csv": ["b.wav,1,x"]})
    group(tmp_path, "two", {"samples.csv": ["a.wav,1,x"]})
    finish("/out", str(tmp_path), settled(ExportOptions("coqui")), {"one", "two"})
    assert (tmp_path / "data" / "samples.csv").read_text("utf-8").splitlines() == [
        *("wav_filename,wav_filesize,transcript", "a.wav,1,x", "b.wav,1,x")
    ]


def test_an_export_without_one_of_its_groups_is_not_finished(tmp_path: Path) -> None:
    group(tmp_path, "one", {})
    with pytest.raises(BeamAudioError, match="run the same command again"):
        finish("/out", str(tmp_path), KALDI, {"one", "two"})
    assert not (tmp_path / EXPORT_FILE).exists()


def peak_bytes(target: Path, groups: int) -> int:
    """Memory that the end of an export takes, with a thousand clips a group."""
    ids = {f"{number:032x}" for number in range(groups)}
    for name in ids:
        clips = tuple(f"data/{name}-{number:04}-0123456789abcdef.wav" for number in range(1000))
        write_record(str(target), GroupRecord(name, clips, {}, Totals(), is_complete=True))
    stale = GroupRecord("f" * 32, ("data/stale.wav",), {}, Totals(), is_complete=True)
    write_record(str(target), stale)
    tracemalloc.start()
    finish("/out", str(target), KALDI, ids)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_the_names_of_all_clips_are_never_in_memory(tmp_path: Path) -> None:
    few, many = (peak_bytes(tmp_path / str(groups), groups) for groups in (40, 160))
    assert many < 1.5 * few
