"""The command, killed with all it started when it is about to open a certain file.

python tests/support/killed_by.py NAME run --subscription=… --output=OUTPUT

What it held of a subscription comes again after seconds.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import Any

from beam_audio.stream import subscription

LEASE_SECONDS = 2


def die_at(name: str) -> None:
    """Kill this process's group before it opens a file of this name."""

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(f"/{name}"):
            os.killpg(0, signal.SIGKILL)

    sys.addaudithook(look)


if __name__ == "__main__":
    die_at(sys.argv[1])
    vars(subscription)["_LEASE_SECONDS"] = LEASE_SECONDS
    sys.argv[:] = ["beam-audio", *sys.argv[2:]]
    runpy.run_module("beam_audio", run_name="__main__")
