"""Commit records: what is written comes back, and what is not one is refused."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import google_bucket, put

from beam_audio.errors import ConfigError, StoreError
from beam_audio.output import commits, folder
from beam_audio.output.commits import Commit, InputState, LostTo, Written
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.output_names import COMMITS

if TYPE_CHECKING:
    from pathlib import Path

PART = "segments/part-{}.parquet"
OLD, NEW = {"model": "1", "rules": "1"}, {"model": "2", "rules": "1"}


def commit(name: str, *files: str, version: int = 1) -> Commit:
    sources = {
        "a": InputState("recorded", "place-a", "stated", "en", OLD, ("r1", "r2"), 1),
        "b": InputState("failed", "place-b", "stated", None, NEW, attempt=3),
        "c": InputState("known", "place-c", "stated", None, OLD, ("r1",)),
    }
    return Commit(name, sources, {"store_audio": "none"}, files, {"segments": 1}, version=version)


def test_commits_round_trip(tmp_path: Path) -> None:
    root = str(tmp_path)
    first, second = commit("1", "segments/part-1-1.parquet"), commit("2")
    assert commits.write_commit(root, first) == Written(first)
    assert commits.write_commit(root, second) == Written(second)
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
    records = tmp_path / COMMITS
    records.mkdir()
    (records / "x.json").write_text(content)
    with pytest.raises(StoreError, match="move it away"):
        list(commits.read_commits(str(tmp_path)))


@pytest.mark.parametrize(
    "changed",
    [
        {"files": ["segments/../../secret.parquet"]},
        {"files": ["/etc/passwd"]},
        {"files": ["segments//part-1.parquet"]},
        {"files": ["segments/a\nb"]},
        {"files": ["segments/a.parquet"]},
        {"files": ["part-a.parquet"]},
        {"files": ["_units/part-a.parquet"]},
        {"files": "segments/part-1.parquet"},
        {"files": [7]},
        {"unit_id": "../1"},
        {"unit_id": "a/1"},
    ],
)
def test_a_record_that_names_files_elsewhere_is_refused(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    commits.write_commit(str(tmp_path), commit("1", "segments/part-1.parquet"))
    record = tmp_path / COMMITS / "1.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | changed))
    with pytest.raises(StoreError, match="move it away"):
        commits.load_commit(str(record))


def test_no_record_is_written_outside_an_output(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not written below"):
        commits.close_unit(str(tmp_path / "out"), "../../1")
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_nests_too_deeply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="move it away"):
        commits.parse_commit(str(tmp_path / "1.json"), b"[" * 100_000)


def test_a_record_states_the_schema_of_its_tables(tmp_path: Path) -> None:
    commits.write_commit(str(tmp_path), commit("1"))
    (record,) = (tmp_path / COMMITS).glob("*.json")
    assert json.loads(record.read_text())["schema_version"] == SCHEMA_VERSION
    assert '"stated_id"' in record.read_text()


@pytest.mark.parametrize("stated", [None, "1.3", "3.0", "2.9999"])
def test_a_record_of_another_schema_is_refused_with_what_to_do(
    tmp_path: Path, stated: str | None
) -> None:
    commits.write_commit(str(tmp_path), commit("1"))
    (record,) = (tmp_path / COMMITS).glob("*.json")
    content = json.loads(record.read_text()) | {"schema_version": stated}
    record.write_text(json.dumps(content))
    with pytest.raises(ConfigError) as raised:
        list(commits.read_commits(str(tmp_path)))
    assert f"{tmp_path} holds tables of schema {stated or '1.3'}" in str(raised.value)
    assert "name another output folder" in str(raised.value)


def test_unit_id_ignores_order_and_tells_sets_apart() -> None:
    assert commits.unit_id(["a", "b"]) == commits.unit_id(["b", "a"])
    assert commits.unit_id(["a", "b"]) != commits.unit_id(["ab"])


def test_every_version_and_work_has_part_files_of_its_own() -> None:
    works = ["0a1b2c3d4e", "0a1b2c3e4e"]
    names = {commits.part_id("u", version, work) for version in range(1, 12) for work in works}
    assert len(names) == 22
    assert all(name.startswith("u-") for name in names)


def test_only_the_next_version_replaces_a_record(tmp_path: Path) -> None:
    root = str(tmp_path)
    first, second = commit("1", "segments/part-a.parquet"), commit("1", PART.format("b"), version=2)
    commits.write_commit(root, first)
    assert commits.write_commit(root, commit("1", PART.format("late"))) == LostTo(first)
    assert commits.write_commit(root, commit("1", PART.format("early"), version=3)) == LostTo(first)
    assert commits.write_commit(root, second) == Written(second)
    assert commits.write_commit(root, commit("1", PART.format("late"), version=2)) == LostTo(second)
    assert commits.read_commit(root, "1") == second


def test_a_record_may_be_written_twice(tmp_path: Path) -> None:
    """This happens if the answer to a request is lost and the request is repeated."""
    commits.write_commit(str(tmp_path), commit("1", "segments/part-a.parquet"))
    again = commit("1", "segments/part-a.parquet")
    assert commits.write_commit(str(tmp_path), again) == Written(again)


def test_a_record_whose_earlier_version_is_gone_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run again"):
        commits.write_commit(str(tmp_path), commit("1", version=2))
    assert commits.read_commit(str(tmp_path), "1") is None


def test_a_clean_up_deletes_files_that_no_record_names(tmp_path: Path) -> None:
    root = str(tmp_path)
    for name in ("part-1-2", "part-1"):
        path = tmp_path / "segments" / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    commits.write_commit(root, commit("1", "segments/part-1-2.parquet"))
    assert commits.delete_uncommitted(root) == 1
    assert [path.name for path in (tmp_path / "segments").iterdir()] == ["part-1-2.parquet"]


def test_in_a_bucket_a_unit_is_closed_before_its_old_files_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever wrote them was paused for an hour, and goes on afterwards."""
    unit = "ab" * 16
    name = f"segments/part-{unit}-1-0123abcd.parquet"
    with google_bucket() as bucket:
        put(f"{bucket}/{name}", b"x")
        in_two_hours = time.time() + 7200
        monkeypatch.setattr(folder, "present_seconds", lambda _: in_two_hours)
        assert commits.delete_uncommitted(bucket) == 1
        assert isinstance(commits.write_commit(bucket, commit(unit, name)), LostTo)


def test_a_unit_that_is_committed_in_time_is_not_closed(tmp_path: Path) -> None:
    root = str(tmp_path)
    written = commit("1", "segments/part-1-1.parquet")
    commits.write_commit(root, written)
    assert commits.close_unit(root, "1") == written


def test_a_record_of_another_unit_is_refused(tmp_path: Path) -> None:
    commits.write_commit(str(tmp_path), commit("1"))
    (record,) = (tmp_path / COMMITS).glob("*.json")
    record.rename(record.with_name("2.json"))
    with pytest.raises(StoreError, match="its unit is '1'"):
        commits.read_commit(str(tmp_path), "2")
