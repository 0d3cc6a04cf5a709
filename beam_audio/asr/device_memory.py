"""Memory of an accelerator: how much is free, and the size of batches that fit into it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.recognizer import ON_CPU, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr.recognizer import Recognizer

_CUDA_RUNTIMES: Final = ("libcudart.so.13", "libcudart.so.12")
"""A session on CUDA has loaded one of them already."""

MOST_BATCH_SECONDS: Final = 960.0
"""32 windows of Whisper: larger batches were no faster on an H200."""

_PROBED_CLIPS: Final = 8
_KEPT: Final = 2
"""Batches of all sizes keep their memory, each size half of the next: twice that of the largest."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of an accelerator's memory, by any process."""

    free_bytes: int
    total_bytes: int


def cuda_memory() -> DeviceMemory | None:
    """Memory of the first card, or the part of one, that CUDA shows this process; None without."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    for name in _CUDA_RUNTIMES:
        try:
            status = ctypes.CDLL(name).cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total))
        except (OSError, AttributeError):
            continue
        if status == 0:
            return DeviceMemory(free.value, total.value)
    return None


def fitting_seconds(
    recognizer: Recognizer,
    measure: Callable[[], DeviceMemory | None],
    *,
    memory_fraction: float,
) -> float:
    """Most padded seconds of a batch that fits into a device.

    A clip of silence is recognised, and then several together: what those take more is the memory
    of a padded second. It also loads what the device's libraries load at a first call.

    Args:
        recognizer: A model on the device, which takes batches in parts if they do not fit.
        measure: Looks at the device's memory; None where it cannot be seen.
        memory_fraction: Share of the device's memory for batches; what others have of it already is
            not taken.

    Returns:
        At least one clip of the longest kind, at most the recogniser's own limit; where memory
        cannot be seen, as many as a CPU.
    """
    facts = recognizer.facts
    clip = Request(np.zeros(round(facts.max_seconds * facts.sample_rate_hz), np.float32))
    clip_seconds = recognizer.cost_seconds(facts.max_seconds)
    recognizer.transcribe([clip])
    before = measure()
    recognizer.transcribe([clip] * _PROBED_CLIPS)
    after = measure()
    most = recognizer.batch_limits.seconds
    if before is None or after is None:
        return min(ON_CPU.seconds, most)
    # What is freed after a batch stays with the session, so this is the most it took.
    grown_bytes = before.free_bytes - after.free_bytes
    second_bytes = max(grown_bytes, 1) / ((_PROBED_CLIPS - 1) * clip_seconds)
    usable_bytes = min(grown_bytes + after.free_bytes, memory_fraction * after.total_bytes)
    fitting = usable_bytes / second_bytes / _KEPT
    return max(clip_seconds, min(fitting, most))
