from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from beam_audio.asr.gpu import count_cards, has_gpu
from beam_audio.asr.session import available_providers


def driver(*, count: int, initialised: int = 0) -> SimpleNamespace:
    """A driver that shows so many cards."""

    def show(address: Any) -> int:  # noqa: ANN401 - a reference of ctypes
        ctypes.cast(address, ctypes.POINTER(ctypes.c_int))[0] = count
        return 0

    return SimpleNamespace(cuInit=lambda _flags: initialised, cuDeviceGetCount=show)


@pytest.mark.parametrize("count", [0, 3])
def test_the_driver_says_how_many_cards_there_are(count: int) -> None:
    assert count_cards(lambda _: driver(count=count)) == count


def test_a_driver_that_does_not_start_has_no_card() -> None:
    assert count_cards(lambda _: driver(count=3, initialised=100)) == 0


def test_without_a_driver_there_is_no_card() -> None:
    assert count_cards(lambda _: ctypes.CDLL("libnone.so")) == 0
    assert count_cards(lambda _: ctypes.CDLL("libc.so.6")) == 0


def test_a_card_is_of_no_use_to_a_build_without_cuda() -> None:
    if "CUDAExecutionProvider" not in available_providers():
        assert not has_gpu()
