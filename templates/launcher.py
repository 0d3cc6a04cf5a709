"""What a flex template's launcher starts: ``beam-audio run`` with the template's parameters."""

from __future__ import annotations

import sys

from beam_audio.__main__ import run

if __name__ == "__main__":
    sys.argv.insert(1, "run")
    run()
