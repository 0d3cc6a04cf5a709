"""Memory of this process that is in use no more."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Give freed memory back to the system, in a millisecond.

    The C library does so by itself for what is at the heap's end only. After hours of work most of
    what was freed lies between what is in use. Libraries other than glibc may lack the function.
    """
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
