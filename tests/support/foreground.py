"""The command as a shell starts it in the foreground."""

from __future__ import annotations

from typing import Final

PROGRAM: Final = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from beam_audio.__main__ import run; run()"
)
"""For ``python -c``: what a test itself was started by may have it ignore Ctrl-C."""
