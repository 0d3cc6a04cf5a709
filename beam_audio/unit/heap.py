"""Memory of this process that is in use no more."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give freed memory back to the system, in a millisecond.

    The C library does so by itself for what is at the heap's end only. After hours of work most of
    what was freed lies between what is in use. Without glibc it stays there: no recording fails for
    that.
    """
    with suppress(OSError, TypeError, AttributeError):  # no C library to ask, or another one
        ctypes.CDLL(None).malloc_trim(0)
