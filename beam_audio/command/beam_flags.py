"""The flags that Beam accepts, known without importing Beam, which takes seconds.

``templates/write_metadata.py`` writes them to ``data/beam_flags.txt``, and a test holds that file
equal to the installed Beam.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def beam_flags() -> frozenset[str]:
    """Names of Beam's flags, each with its dashes."""
    file = resources.files("beam_audio").joinpath("data/beam_flags.txt")
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line.startswith("-"))
