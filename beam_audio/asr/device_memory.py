"""Memory of an accelerator: how much is free, and the size of batches that fit into it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.memory_bound import MemoryBound
from beam_audio.asr.recognizer import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr.recognizer import Recognizer

_CUDA_RUNTIMES: Final = ("libcudart.so.13", "libcudart.so.12")
"""A session on CUDA has loaded one of them already."""

_MOST_BATCH_SECONDS: Final = 960.0
"""32 windows of Whisper: larger batches were no faster on an H200."""

_PROBED_CLIPS: Final = 8


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of an accelerator's memory, whoever uses it."""

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
    batches: int,
) -> float:
    """Most padded seconds of a batch, so that this many batches at a time fit into a device.

    A clip of silence is recognised, and then several together: what those take more is the memory
    of a padded second. It also loads what the device's libraries load at a first call.

    Args:
        recognizer: A model on the device.
        measure: Looks at the device's memory; None where it cannot be seen.
        memory_fraction: Share of the device that this process may use.
        batches: How many are recognised at the same time.

    Returns:
        At least one clip of the longest kind, at most what is fast.
    """
    facts = recognizer.facts
    clip = Request(np.zeros(round(facts.max_seconds * facts.sample_rate_hz), np.float32))
    clip_seconds = recognizer.cost_seconds(facts.max_seconds)
    bound = MemoryBound(recognizer, _MOST_BATCH_SECONDS)
    bound.transcribe([clip])
    before = measure()
    bound.transcribe([clip] * _PROBED_CLIPS)
    after = measure()
    if before is None or after is None:
        return min(recognizer.batch_limits.seconds, bound.batch_limits.seconds)
    # What is freed after a batch stays with the session, so this is the most it took.
    grown_bytes = before.free_bytes - after.free_bytes
    second_bytes = max(grown_bytes, 1) / ((_PROBED_CLIPS - 1) * clip_seconds)
    left_to_others = (1 - memory_fraction) * after.total_bytes
    usable_bytes = grown_bytes + after.free_bytes - left_to_others
    fitting = usable_bytes / second_bytes / batches
    return max(clip_seconds, min(fitting, bound.batch_limits.seconds))
