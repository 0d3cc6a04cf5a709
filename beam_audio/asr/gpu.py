"""Whether this machine has a GPU that ONNX Runtime could use, asked without touching its memory."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Final

from beam_audio.asr.session import available_providers
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

_DRIVER: Final = "libcuda.so.1"
_CUDA: Final = "CUDAExecutionProvider"
_SUCCESS: Final = 0


def has_gpu() -> bool:
    """Whether ONNX Runtime was built with CUDA and the driver shows at least one card."""
    try:
        return _CUDA in available_providers() and count_cards() > 0
    except ModelError:  # no ONNX Runtime
        return False


def count_cards(load: Callable[[str], Any] = ctypes.CDLL) -> int:
    """Number of cards that the driver shows this process; 0 without a driver.

    A session on a card would hold some hundred MB of it for as long as the process lives.

    Args:
        load: Loads a shared library by its name.
    """
    try:
        library = load(_DRIVER)
        initialise, count_devices = library.cuInit, library.cuDeviceGetCount
    except (OSError, AttributeError):
        return 0
    number = ctypes.c_int(0)
    if initialise(0) != _SUCCESS or count_devices(ctypes.byref(number)) != _SUCCESS:
        return 0
    return number.value
