"""Makes the placeholder do something odd to a loud clip, in the process of a recogniser only.

Python imports this by itself where the folder is in ``PYTHONPATH``. ``ODD`` says what is done, and
``ODD_DEVICE`` has batches share the placeholder as if it were on a device.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beam_audio.asr import Request
    from beam_audio.types import Transcript


def work() -> None:
    """Compute for two seconds."""
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        pass


def starve() -> None:
    """End as C++ does that has no memory."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


MOST = 20
ODDITIES: dict[str, Callable[[], object]] = {
    "abort": os.abort,
    "always": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(3),
    "hang": lambda: time.sleep(3600),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "starve": starve,
    "work": work,
}


def is_over() -> bool:
    """Whether ``ODD_LOG`` names a file that has its twenty bytes; else one is added to it."""
    if "ODD_LOG" not in os.environ:
        return False
    with open(os.environ["ODD_LOG"], "ab") as log:  # noqa: PTH123 - few modules at a start
        return log.tell() >= MOST or not log.write(b"x")


def be_odd(what: str) -> None:
    from beam_audio.asr.placeholder import PlaceholderRecognizer  # noqa: PLC0415 - in that process

    transcribe = PlaceholderRecognizer.transcribe

    def odd(recognizer: PlaceholderRecognizer, requests: Sequence[Request]) -> list[Transcript]:
        is_loud = any(abs(each.samples).max(initial=0.0) > 0.9 for each in requests)
        if (is_loud or what == "always") and not is_over():
            ODDITIES[what]()
        return transcribe(recognizer, requests)

    PlaceholderRecognizer.transcribe = odd  # type: ignore[assignment,method-assign] # here only


def share() -> None:
    from beam_audio.asr import registry  # noqa: PLC0415 - as above
    from beam_audio.asr.memory_bound import MemoryBound  # noqa: PLC0415 - as above
    from beam_audio.asr.shared_batches import SharedBatches  # noqa: PLC0415 - as above

    load = registry._placeholder
    registry._placeholder = lambda options: SharedBatches(MemoryBound(load(options), 120.0))  # type: ignore[assignment,return-value] # here only


if "beam_audio.asr.isolated.program" in sys.orig_argv and "ODD" in os.environ:
    if os.environ["ODD"] == "load":
        os.abort()
    be_odd(os.environ["ODD"])
    if "ODD_DEVICE" in os.environ:
        share()
