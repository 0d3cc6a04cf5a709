"""The command on a machine whose clock is off by some hours.

python tests/support/clock_off.py HOURS run --subscription=… --output=OUTPUT
"""

from __future__ import annotations

import runpy
import sys
import time
from datetime import datetime, tzinfo
from typing import Self

from beam_audio.run import job


def set_clock(hours: float) -> None:
    """Put this process's clock forward, or back."""
    tell = time.time
    time.time = lambda: tell() + hours * 3600

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(time.time(), tz)

    job.datetime = Shifted  # type: ignore[misc] # runs are named after it


if __name__ == "__main__":
    set_clock(float(sys.argv[1]))
    sys.argv[:] = ["beam-audio", *sys.argv[2:]]
    runpy.run_module("beam_audio", run_name="__main__")
