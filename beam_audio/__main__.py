"""Runs the command as ``python -m beam_audio``."""

from __future__ import annotations

import sys

from beam_audio.cli import main

if __name__ == "__main__":
    sys.exit(main())
