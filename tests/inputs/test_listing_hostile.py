"""What is no recording is a failure at once, and nothing of it is read."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beam_audio.errors import InputError
from beam_audio.inputs.from_message import input_of_message
from beam_audio.inputs.listing import input_of_file, input_of_line, match_input
from beam_audio.inputs.messages import Message
from beam_audio.types import AudioRef, Failure

KINDS = {
    "pipe": "a pipe",
    "socket": "a socket",
    "device": "a device",
    "nothing": "a link to nothing",
    "secret": "part of the system's /proc",
    "through": "part of the system's /proc",
    "folder": "part of the system's /proc",
}


def put_kinds(folder: Path, listening: socket.socket) -> None:
    """One of every kind; sockets have short names, so the test is in their folder."""
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    listening.bind("in/socket")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "nothing").symlink_to("none")
    (folder / "secret").symlink_to("/proc/self/environ")
    (folder / "through").symlink_to("/proc/self/root/etc/hostname")
    (folder / "folder").symlink_to("/proc/self")
    (folder / "fine.wav").write_bytes(b"x")


@pytest.mark.parametrize("way", ["folder", "glob", "manifest", "message"])
def test_what_is_no_recording_is_a_failure_at_once_whatever_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        put_kinds(tmp_path / "in", listening)
        names = [*KINDS, "fine.wav"]
        lines = [json.dumps({"audio": f"{tmp_path}/in/{name}"}).encode() for name in names]
        found: list[AudioRef | Failure | None]
        if way == "message":
            sent = [Message(each, {}, "1", datetime.now(UTC)) for each in lines]
            found = [input_of_message(each, str(tmp_path / "out")) for each in sent]
        elif way == "manifest":
            found = [input_of_line("/m.jsonl", 1, each) for each in lines]
        else:
            found = [
                input_of_file(each) for each in match_input("in" if way == "folder" else "in/*")
            ]
    said = {Path(each.uri).name: each.message for each in found if isinstance(each, Failure)}
    assert said == {
        name: f"'{tmp_path}/in/{name}' is {what}, not a regular file"
        for name, what in KINDS.items()
    }
    assert [each.uri for each in found if isinstance(each, AudioRef)] == [f"{tmp_path}/in/fine.wav"]


@pytest.mark.parametrize("path", ["/proc", "/proc/self", "/dev/fd", "/sys/kernel"])
def test_a_folder_of_the_system_is_not_listed(path: str) -> None:
    with pytest.raises(InputError, match="is part of the system's /"):
        match_input(path)
