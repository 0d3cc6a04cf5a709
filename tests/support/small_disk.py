"""The command, again and again, on a disk of its own that grows until the command succeeds.

Needs root: the disk is mounted where only this program and what it starts see it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIMIT_SECONDS: Final = 300
_UNSHARE: Final = ("unshare", "--mount", "--propagation=private")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of the command: how large the disk was, how the run ended, what it complained of."""

    option: str
    status: int
    complaint: str


def runs_on_growing_disk(
    disk: Path, options: Sequence[str], words: Sequence[object], *, temporary: bool = False
) -> list[Attempt]:
    """Run the command on a disk with one option of tmpfs after the other, until it succeeds.

    Args:
        disk: The folder the disk is mounted on. In the end it holds a copy of the disk's content.
        options: Such as ``size=64k``, the smallest first.
        words: Arguments of the command.
        temporary: Whether the disk is the temporary folder, too.
    """
    disk.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    environment |= {"TMPDIR": str(disk)} if temporary else {}
    given = json.dumps({"options": list(options), "words": list(map(str, words))})
    done = subprocess.run(
        [*_UNSHARE, sys.executable, __file__, str(disk)],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_SECONDS,
    )
    shutil.copytree(f"{disk}-copy", disk, dirs_exist_ok=True)
    return [Attempt(**each) for each in map(json.loads, done.stdout.splitlines())]


def _main(disk: str) -> None:
    from support.run_outputs import run_command  # noqa: PLC0415 - Beam, in that process alone

    given = json.load(sys.stdin)
    printed, complaint = io.StringIO(), io.StringIO()
    for number, option in enumerate(given["options"]):
        how = "" if number == 0 else "remount,"
        subprocess.run(["mount", "-t", "tmpfs", "-o", how + option, "tmpfs", disk], check=True)
        complaint.truncate(complaint.seek(0))  # it is one, as logging keeps its first stream
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaint):
            status = run_command(*given["words"])
        print(
            json.dumps({"option": option, "status": status, "complaint": complaint.getvalue()}),
            flush=True,
        )
        if status == 0:
            break
    shutil.copytree(disk, f"{disk}-copy")


if __name__ == "__main__":
    _main(sys.argv[1])
