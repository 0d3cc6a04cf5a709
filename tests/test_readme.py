"""What the README and docs show is run, in the order it is shown, in a folder with the demo clips.

Comments that no reader sees, on the line before a block, say what is run:

- ``<!-- run -->`` before a bash block runs it; ``<!-- run: COMMAND -->`` runs that in its place.
- Python blocks always run, each as a program of its own, but for ``<!-- not run: REASON -->``.
- ``<!-- output -->`` before a text block says that what ran last printed these lines among
  others, in this order; any number may stand for any other, and spaces do not count.

The clips and their manifest are in ``clips/``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.project import ROOT

CLIPS = ROOT / "beam_audio" / "data" / "demo"
DOCUMENTS = [
    "README.md",
    *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md")),
]

BLOCK = re.compile(
    r"^(?:<!-- (?P<comment>.*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the comment before it, its language, its text and the line it starts on."""

    comment: str
    language: str
    text: str
    line: int


def blocks_of(document: str) -> list[Block]:
    return [
        Block(
            comment=found["comment"] or "",
            language=found["language"],
            text=found["text"],
            line=document.count("\n", 0, found.start()) + 1,
        )
        for found in BLOCK.finditer(document)
    ]


def command_of(block: Block) -> list[str] | None:
    """The command that runs a block, or None for one that is only shown."""
    if block.language == "python" and not block.comment.startswith("not run: "):
        return [sys.executable, "-c", block.text]
    if block.language == "bash" and re.match("run(: |$)", block.comment):
        script = block.comment.removeprefix("run").removeprefix(": ") or block.text
        return ["bash", "-euo", "pipefail", "-c", script]
    return None


def loosened(line: str) -> str:
    """A line with ids and numbers replaced by ``#`` and without spaces or rules drawn in it."""
    line = re.sub(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+([.,:]\d+)*", "#", line)
    return re.sub(r"[\s─━=-]+", "", line)


def first_missing_line(expected: str, printed: str) -> str | None:
    """The first expected line that is not printed after the ones before it."""
    remaining = iter([loosened(line) for line in printed.splitlines()])
    for line in expected.splitlines():
        if loosened(line) not in {"", "..."} and loosened(line) not in remaining:
            return line
    return None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CLIPS, tmp_path / "clips")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_shown_runs(name: str, folder: Path) -> None:
    scripts = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    printed = ""
    for block in blocks_of((ROOT / name).read_text(encoding="utf-8")):
        if command := command_of(block):
            ran = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            printed = ran.stdout
            assert ran.returncode == 0, f"{name}:{block.line} failed:\n{printed}"
        elif block.comment == "output":
            missing = first_missing_line(block.text, printed)
            assert missing is None, f"{name}:{block.line}: {missing!r} not printed in:\n{printed}"


def test_the_readme_shows_what_can_be_run() -> None:
    blocks = blocks_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {block.language for block in blocks if command_of(block)} == {"bash", "python"}
    assert any(block.comment == "output" for block in blocks)
