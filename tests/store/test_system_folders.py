"""The system's own folders are known by name, through links, and through links inside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_audio.store.system_folders import system_folder

MEMORY_DISK = "/dev/shm"  # noqa: S108 - nothing is written there


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/proc/self/environ", "/proc"),
        ("/proc", "/proc"),
        ("//proc//cpuinfo", "/proc"),
        ("/usr/../proc/cpuinfo", "/proc"),
        ("/proc/self/root/etc/hostname", "/proc"),
        ("/sys/kernel/x", "/sys"),
        ("/dev/zero", "/dev"),
        ("/dev/fd/0", "/dev"),
        ("/dev", "/dev"),
        (f"{MEMORY_DISK}/../zero", "/dev"),
        (f"{MEMORY_DISK}/a.wav", None),
        (MEMORY_DISK, None),
        ("/process/a.wav", None),
        ("/data/proc/a.wav", None),
        ("/data/dev", None),
        ("/proc\0", None),
    ],
)
def test_paths_into_the_system_are_told_from_others(path: str, folder: str | None) -> None:
    assert system_folder(path) == folder


def test_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep/er").mkdir(parents=True)
    for link, target in {
        "one": "/proc/cpuinfo",
        "two": "one",
        "folder": "/proc",
        "deep/er/up": "../../folder",
        "round": "round",
        "deep/near": "er",
    }.items():
        Path(link).symlink_to(target)
    assert system_folder("two") == "/proc"
    assert system_folder("folder/self/root/etc/hostname") == "/proc"
    assert system_folder(f"{tmp_path}/deep/near/up/cpuinfo") == "/proc"
    assert system_folder("deep/near/a.wav") is None
    assert system_folder("round") is None
