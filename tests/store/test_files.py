"""Files of a store: whole, under names that are taken literally, many at a time."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest
from support.bucket_servers import google_bucket, put
from support.run_outputs import write_byte

from beam_audio import store
from beam_audio.errors import InputError


def test_deleting_a_temporary_folder_keeps_other_files(tmp_path: Path) -> None:
    root = str(tmp_path)
    mine, others = (store.temporary_folder(root, name) for name in ("mine", "others"))
    for folder in (mine, others):
        write_byte(Path(folder), "a")
    store.delete_folder(mine)
    assert [path.name for path in (tmp_path / "_tmp").iterdir()] == ["others"]
    assert Path(others, "a").exists()


def test_a_whole_file_replaces_the_one_before(tmp_path: Path) -> None:
    root = str(tmp_path)
    store.write_whole(root, "a/b.json", b"one")
    store.write_whole(root, "a/b.json", b"two")
    assert (tmp_path / "a/b.json").read_bytes() == b"two"
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_many_writers_can_create_one_folder(tmp_path: Path) -> None:
    names = [f"a={a}/b={a}/c={a}/{part}" for a in range(200) for part in range(8)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda name: store.write_whole(str(tmp_path), name, b"x"), names))
    assert all((tmp_path / name).is_file() for name in names)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in[[]x]/**", ["in[x]/a.wav", "in[x]/sub/b.wav"]),
        ("in[[]x]/*", ["in[x]/a.wav"]),
        ("in*/[ab].wav", ["in[x]/a.wav"]),
        ("in[[]x]/a.wav", ["in[x]/a.wav"]),
        ("in?x?/sub/[!a].wav", ["in[x]/sub/b.wav"]),
        ("none/*", []),
    ],
)
@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_a_pattern_matches_whole_paths(
    tmp_path: Path, place: str, pattern: str, expected: list[str]
) -> None:
    names = ("in[x]/a.wav", "in[x]/sub/b.wav", "inx/c.wav", "d.wav")
    with google_bucket() if place == "bucket" else nullcontext(str(tmp_path)) as root:
        for name in names:
            if place == "bucket":
                put(f"{root}/{name}", b"x")
            else:
                write_byte(tmp_path, name)
        found = sorted(each.path for each in store.match(f"{root}/{pattern}"))
    assert found == [f"{root}/{name}" for name in expected]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    for name, what in (("link", "a link to nothing"), ("pipe", "a pipe"), (".", "a folder")):
        with pytest.raises(InputError, match=what):
            store.stat(str(tmp_path / name))
        with pytest.raises(InputError, match=what):
            store.require_regular(str(tmp_path / name))
    store.require_regular(str(write_byte(tmp_path, "a.wav")))
    store.require_regular("gs://bucket/a.wav")


@pytest.mark.parametrize("name", ["a[1].wav", "what?.wav", "a*b.wav", "ü ñ 你.wav", "#%20.wav"])
def test_names_are_literal(tmp_path: Path, name: str) -> None:
    write_byte(tmp_path, f"in[x]/{name}")
    uri = f"{tmp_path}/in[x]/{name}"
    assert store.stat(uri).size_in_bytes == 1
    with store.open_to_read(uri) as file:
        assert file.read() == b"x"
    assert [meta.path for meta in store.files_under(f"{tmp_path}/in[x]")] == [uri]


def test_compressed_names_are_read_as_they_are(tmp_path: Path) -> None:
    path = write_byte(tmp_path, "a.wav.gz")
    with store.open_to_read(str(path)) as file:
        assert file.read() == b"x"


@pytest.mark.parametrize("uri", ["/no/such/file.wav", "nosuchscheme://b/a.wav", ""])
def test_a_missing_file_is_an_input_error(uri: str) -> None:
    with pytest.raises(InputError):
        store.stat(uri)
    with pytest.raises(InputError):
        store.open_to_read(uri)


def test_files_of_a_bucket_are_read_several_at_a_time_and_in_their_order() -> None:
    uris = [f"gs://bucket/{number}" for number in range(600)]
    several = threading.Barrier(4, timeout=30)

    def read(uri: str) -> str:
        several.wait()
        return uri

    assert list(store.read_each(read, uris)) == uris


@pytest.mark.parametrize("root", ["folder", "gs://bucket"])
def test_a_file_that_cannot_be_read_is_an_error_in_its_turn(root: str) -> None:
    def read(uri: str) -> str:
        if uri.endswith("/3"):
            raise InputError(uri)
        return uri

    found = store.read_each(read, [f"{root}/{number}" for number in range(9)])
    assert [next(found) for _ in range(3)] == [f"{root}/0", f"{root}/1", f"{root}/2"]
    with pytest.raises(InputError, match="/3"):
        next(found)


def test_files_of_a_bucket_share_a_connection() -> None:
    """A recent client library asks for the bucket's metadata on each new connection."""
    paths: list[str] = []

    def see(_: str, path: str, __: int) -> None:
        paths.append(path)

    with google_bucket(see) as bucket:
        for name in ("a", "b", "c"):
            put(f"{bucket}/{name}", b"x")
            with store.open_to_read(f"{bucket}/{name}") as file:
                assert file.read() == b"x"
            assert store.exists(f"{bucket}/{name}")
    assert sum(path.startswith("/storage/v1/b/bucket?") for path in paths) <= 1
