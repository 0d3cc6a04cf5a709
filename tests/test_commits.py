"""Commit records: what is written comes back, and what is not one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio import commits
from beam_audio.commits import Commit, SourceState
from beam_audio.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = {"model": "1", "rules": "1"}, {"model": "2", "rules": "1"}


def commit(name: str, *files: str) -> Commit:
    sources = {
        "a": SourceState("recorded", "place-a", "claims", "en", OLD, ("r1", "r2"), 1),
        "b": SourceState("failed", "place-b", "claims", None, NEW, attempt=3),
        "c": SourceState("known", "place-c", "claims", None, OLD, ("r1",)),
    }
    return Commit(name, sources, {"store_audio": "none"}, files, {"segments": 1}, version=2)


def test_commits_round_trip(tmp_path: Path) -> None:
    root = str(tmp_path)
    first, second = commit("1", "segments/part-1-2.parquet"), commit("2")
    commits.write_commit(root, first)
    commits.write_commit(root, second)
    read = sorted(commits.read_commits(root), key=lambda each: each.unit_id)
    assert read == [first, second]
    assert commits.read_commit(root, "1") == first
    assert commits.read_commit(root, "3") is None
    assert first.sources_that("failed") == {"b"}


def test_an_output_that_does_not_exist_has_no_commits(tmp_path: Path) -> None:
    assert list(commits.read_commits(str(tmp_path / "none"))) == []


@pytest.mark.parametrize(
    "content", ['{"other": 1}', "[]", "no json", '{"layers": [], "sources": 1}']
)
def test_a_foreign_commit_record_is_refused_with_its_cure(tmp_path: Path, content: str) -> None:
    folder = tmp_path / commits.COMMITS
    folder.mkdir()
    (folder / "x.json").write_text(content)
    with pytest.raises(StoreError, match="move it away"):
        list(commits.read_commits(str(tmp_path)))


def test_unit_id_ignores_order_and_tells_sets_apart() -> None:
    assert commits.unit_id(["a", "b"]) == commits.unit_id(["b", "a"])
    assert commits.unit_id(["a", "b"]) != commits.unit_id(["ab"])


def test_every_version_has_part_files_of_its_own() -> None:
    assert commits.part_id("u", 1) == "u"
    assert len({commits.part_id("u", version) for version in range(1, 12)}) == 11


def test_the_sweep_removes_what_no_commit_names(tmp_path: Path) -> None:
    root = str(tmp_path)
    for name in ("part-1-2", "part-1"):
        path = tmp_path / "segments" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    commits.write_commit(root, commit("1", "segments/part-1-2.parquet"))
    assert commits.sweep(root) == 1
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["part-1-2.parquet"]
