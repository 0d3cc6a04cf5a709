"""Local disks: everything below a folder is listed, whatever it is."""

from __future__ import annotations

import os
import socket
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from support.run_outputs import write_byte

from beam_audio.store import local_disk


def test_a_listing_holds_what_is_not_a_file_and_follows_no_link_to_a_folder(
    tmp_path: Path,
) -> None:
    root = tmp_path / "in"
    write_byte(root, "a.wav")
    write_byte(root, "sub/b.wav")
    write_byte(tmp_path, "elsewhere/c.wav")
    os.utime(root / "a.wav", (1000.25, 1000.25))
    (root / "file").symlink_to(root / "a.wav")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "dead").symlink_to(tmp_path / "none")
    (root / "circle").symlink_to(root / "circle")
    os.mkfifo(root / "pipe")
    found = {os.path.relpath(each.path, root): each for each in local_disk.files(str(root))}
    assert set(found) == {"a.wav", "sub/b.wav", "file", "dead", "circle", "pipe"}
    assert (found["a.wav"].size_in_bytes, found["file"].size_in_bytes) == (1, 1)
    assert found["a.wav"].last_updated_in_seconds == 1000.25
    assert found["a.wav"].version == "1000.25"


def test_linked_folders_are_searched_once_and_by_their_own_path_if_there_is_one(
    tmp_path: Path,
) -> None:
    root = tmp_path / "in"
    for name in ("in/a.wav", "in/sub/b.wav", "elsewhere/c.wav", "elsewhere/deep/d.wav"):
        write_byte(tmp_path, name)
    for link, target in {
        "again": "sub",
        "more": "../elsewhere",
        "most": "../elsewhere",
        "loop": ".",
        "sub/up": "..",
        "dead": "nowhere",
    }.items():
        (root / link).symlink_to(target)
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    found = local_disk.files(str(root), follow_links=True)
    assert sorted(os.path.relpath(each.path, root) for each in found) == [
        *("a.wav", "dead", "more/c.wav", "more/deep/d.wav", "sub/b.wav"),
    ]


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert list(local_disk.files(str(tmp_path / "none"))) == []


def test_a_file_that_goes_while_it_is_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_byte(tmp_path, name)
    walk = os.walk

    def walk_and_delete(folder: str) -> list[tuple[str, list[str], list[str]]]:
        found = list(walk(folder))
        (tmp_path / "a").unlink()
        return found

    monkeypatch.setattr(os, "walk", walk_and_delete)
    assert [Path(each.path).name for each in local_disk.files(str(tmp_path))] == ["b"]


def test_a_path_that_is_not_a_regular_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe")
    Path("dead").symlink_to("none")
    Path("folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert local_disk.irregular("socket") == "a socket"
    assert local_disk.irregular("pipe") == "a pipe"
    assert local_disk.irregular("dead") == "a link to nothing"
    assert local_disk.irregular("folder") == "a folder"
    assert local_disk.irregular("/dev/null") == "a device"
    assert local_disk.irregular("none") is None
    assert local_disk.irregular(str(write_byte(tmp_path, "a.wav"))) is None


@pytest.mark.parametrize("path", ["/proc/self/environ", "/sys/kernel/mm", "/dev/fd"])
def test_what_the_system_shows_of_itself_is_no_file(path: str) -> None:
    assert local_disk.irregular(path) == f"part of the system's /{path.split('/')[1]}"


def test_a_link_into_the_system_is_listed_and_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "in"
    write_byte(root, "a.wav")
    (root / "folder").symlink_to("/proc/self")
    (root / "file").symlink_to("/proc/self/environ")
    found = local_disk.files(str(root), follow_links=True)
    assert sorted(os.path.relpath(each.path, root) for each in found) == ["a.wav", "file", "folder"]
    assert local_disk.irregular(str(root / "folder")) == "part of the system's /proc"
    with pytest.raises(OSError, match="part of the system's /proc"):
        list(local_disk.files(str(root / "folder"), follow_links=True))


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    path = write_byte(tmp_path, "a.wav")
    (tmp_path / "link").symlink_to(path)
    with local_disk.open_regular(str(tmp_path / "link")) as file:
        assert len(file.read()) == 1


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", "/proc/self/environ", tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            local_disk.open_regular(str(path))


def test_a_pipe_that_takes_the_place_of_a_file_is_seen_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap happens between the look at the path and the opening of it."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    really_open = os.open

    def swap_and_open(name: str, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", swap_and_open)
    seen: list[str] = []

    def look() -> None:
        with pytest.raises(OSError, match="is a pipe, not a regular file") as raised:
            local_disk.open_regular(str(path))
        seen.append(str(raised.value))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(10)
    assert seen
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_file_is_created_while_its_empty_folder_is_deleted_again_and_again(
    tmp_path: Path,
) -> None:
    ended = threading.Event()

    def delete() -> None:
        while not ended.wait(0.0001):
            with suppress(OSError):
                (tmp_path / "folder").rmdir()

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        for number in range(2000):
            path = tmp_path / "folder" / str(number)
            local_disk.create(str(path)).close()
            path.unlink()
    finally:
        ended.set()
        deleting.join()
