"""The command with poisoned decoding children: ``python tests/support/poisoned_run.py run …``."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

POISON = Path(__file__).with_name("poison")

if __name__ == "__main__":
    paths = [str(POISON), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    sys.argv[0] = "beam-audio"
    runpy.run_module("beam_audio", run_name="__main__")
