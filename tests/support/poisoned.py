"""Files that poison the process that decodes them; see ``poison/sitecustomize.py``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from support.encoded_audio import encode, noise

if TYPE_CHECKING:
    import pytest

POISON = Path(__file__).with_name("poison")


def use_poison(patch: pytest.MonkeyPatch) -> None:
    """Have every child that is started from now on poisoned."""
    paths = [str(POISON), os.environ.get("PYTHONPATH", "")]
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


def poison(verb: str) -> bytes:
    """A file that poisons at once."""
    return f"POISON {verb}\n".encode() * 20


def late_poison(verb: str, seconds: float = 20.0) -> bytes:
    """A recording that poisons after some seconds."""
    return encode(noise(seconds)) + f"POISON {verb}".encode().rjust(32)


def decoding_children() -> set[int]:
    """Process ids of the children of this process that decode."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = stat.with_name("cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == os.getpid() and b"beam_audio.audio.isolated.program" in words:
            found.add(int(stat.parent.name))
    return found
