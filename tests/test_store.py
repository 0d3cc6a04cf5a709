"""The output folder: whole files, the sweep, and names that are taken literally."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bucket_servers
import pytest
from bucket_servers import google_bucket

from beam_audio import store
from beam_audio.errors import InputError, StoreError


def put(root: Path, name: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_sweep_removes_what_is_not_committed_and_nothing_else(tmp_path: Path) -> None:
    kept = put(tmp_path, "segments/date=2026-01-01/part-1.parquet")
    left = [
        put(tmp_path, "segments/date=2026-01-01/part-2.parquet"),
        put(tmp_path, "failures/part-3.parquet"),
        put(tmp_path, "_tmp/half-written"),
    ]
    foreign = [put(tmp_path, "segments/notes.txt"), put(tmp_path, "run-1.json")]
    assert store.sweep(f"{tmp_path}/", {"segments/date=2026-01-01/part-1.parquet"}) == 3
    assert kept.exists()
    assert all(path.exists() for path in foreign)
    assert not any(path.exists() for path in left)


def test_a_folder_whose_name_is_a_pattern_is_swept_alone(tmp_path: Path) -> None:
    put(tmp_path, "out[1]/segments/part-2.parquet")
    other = put(tmp_path, "out1/segments/part-2.parquet")
    assert store.sweep(f"{tmp_path}/out[1]", set()) == 1
    assert other.exists()


def test_young_files_of_a_bucket_may_be_about_to_be_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with google_bucket() as bucket:
        for name in ("segments/part-1.parquet", "_tmp/half-written"):
            bucket_servers.put(f"{bucket}/{name}", b"x")
        assert store.sweep(bucket, set()) == 0
        later = time.time() + 4000
        monkeypatch.setattr(time, "time", lambda: later)
        assert store.sweep(bucket, set()) == 2
        assert store.files_under(bucket) == []


def test_an_output_in_use_is_not_cleaned_by_another_run(tmp_path: Path) -> None:
    cleaned: list[str] = []
    root = str(tmp_path / "out")
    with (
        store.in_use(root, lambda: cleaned.append("first")),
        store.in_use(root, lambda: cleaned.append("second")),
    ):
        assert cleaned == ["first"]
    with store.in_use(root, lambda: cleaned.append("third")):
        assert cleaned == ["first", "third"]


def test_temporary_files_of_others_stay(tmp_path: Path) -> None:
    root = str(tmp_path)
    mine, others = (store.temporary_folder(root, name) for name in ("mine", "others"))
    for folder in (mine, others):
        put(Path(folder), "a")
    store.remove_temporary_folder(root, mine)
    assert [path.name for path in (tmp_path / "_tmp").iterdir()] == ["others"]
    store.remove_temporary_folder(root, others)
    assert not (tmp_path / "_tmp").exists()


def test_a_whole_file_replaces_the_one_before(tmp_path: Path) -> None:
    root = str(tmp_path)
    store.write_whole(root, "a/b.json", b"one")
    store.write_whole(root, "a/b.json", b"two")
    assert (tmp_path / "a/b.json").read_bytes() == b"two"
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_writers_that_meet_in_a_new_folder_do_not_fail_each_other(tmp_path: Path) -> None:
    names = [f"a={a}/b={a}/c={a}/{part}" for a in range(200) for part in range(8)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda name: store.write_whole(str(tmp_path), name, b"x"), names))
    assert all((tmp_path / name).is_file() for name in names)


@pytest.mark.parametrize("name", ["a[1].wav", "what?.wav", "a*b.wav", "ü ñ 你.wav", "#%20.wav"])
def test_names_are_literal(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"in[x]/{name}")
    uri = f"{tmp_path}/in[x]/{name}"
    assert store.stat(uri).size_in_bytes == 1
    with store.open_to_read(uri) as file:
        assert file.read() == b"x"
    assert [meta.path for meta in store.files_under(f"{tmp_path}/in[x]")] == [uri]


def test_compressed_names_are_read_as_they_are(tmp_path: Path) -> None:
    path = put(tmp_path, "a.wav.gz")
    with store.open_to_read(str(path)) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("uri", ["/no/such/file.wav", "nosuchscheme://b/a.wav", ""])
def test_what_is_missing_is_an_input_error(uri: str) -> None:
    with pytest.raises(InputError):
        store.stat(uri)
    with pytest.raises(InputError):
        store.open_to_read(uri)


def test_an_output_that_is_a_file_is_not_writable(tmp_path: Path) -> None:
    blocked = put(tmp_path, "out")
    with pytest.raises(StoreError, match="--output"):
        store.require_writable(str(blocked))


def test_a_writable_output_is_left_as_it_was(tmp_path: Path) -> None:
    store.require_writable(str(tmp_path))
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == []
