"""Freed memory goes back to the system, also from between what is in use."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

FREED_MEBIBYTES = 64
PROGRAM = f"""
import re
from pathlib import Path
from beam_audio.unit.heap import give_back

def mebibytes():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

values = [bytes([1]) * 2048 for _ in range({FREED_MEBIBYTES} * 512)]
used = values[::64]  # one in each 128 KiB
del values
before = mebibytes()
give_back()
print(before - mebibytes())
assert all(value == bytes([1]) * 2048 for value in used)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_what_was_freed_between_what_is_used_goes_back() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert float(found.stdout) > FREED_MEBIBYTES / 2
