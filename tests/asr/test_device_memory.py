"""The size of batches follows from what a few clips take, on a device that the test makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.asr.device_memory import DeviceMemory, cuda_memory, fitting_seconds
from beam_audio.asr.placeholder import PlaceholderRecognizer
from beam_audio.asr.session import available_providers
from beam_audio.models.card import load_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr.recognizer import Request
    from beam_audio.types import Transcript

MIB = 2**20


class Card(PlaceholderRecognizer):
    """Takes so many bytes for each second of a batch, and keeps the most it took."""

    def __init__(self, total_mib: int, *, second_mib: float, fixed_mib: int = 0) -> None:
        super().__init__(load_card("placeholder"), "transcribe")
        self.total_bytes = total_mib * MIB
        self.second_bytes = second_mib * MIB
        self.taken_bytes = 0.0
        self.fixed_bytes = fixed_mib * MIB

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        rate_hz = self.facts.sample_rate_hz
        longest = max(len(each.samples) for each in requests) / rate_hz
        wanted = self.fixed_bytes + len(requests) * longest * self.second_bytes
        if wanted > self.total_bytes:
            raise RuntimeError("Failed to allocate memory for requested buffer")
        self.taken_bytes = max(self.taken_bytes, wanted)
        return super().transcribe(requests)

    def memory(self) -> DeviceMemory:
        return DeviceMemory(self.total_bytes - round(self.taken_bytes), self.total_bytes)


def fitting(card: Card, *, share: float = 1.0, batches: int = 1) -> float:
    return fitting_seconds(card, card.memory, memory_fraction=share, batches=batches)


def test_a_batch_of_the_size_that_fits_fits() -> None:
    card = Card(8_000, second_mib=10.0, fixed_mib=500)
    seconds = fitting(card)
    assert seconds == pytest.approx((8_000 - 500 - 30 * 10) / 10.0, rel=0.05)
    assert card.fixed_bytes + seconds * card.second_bytes <= card.total_bytes


@pytest.mark.parametrize(("share", "batches"), [(0.5, 1), (1.0, 2)])
def test_half_the_memory_or_two_batches_at_a_time_make_smaller_batches(
    share: float, batches: int
) -> None:
    whole = fitting(Card(8_000, second_mib=10.0))
    part = fitting(Card(8_000, second_mib=10.0), share=share, batches=batches)
    assert part == pytest.approx(whole / 2, rel=0.1)


def test_much_memory_makes_no_larger_batch_than_is_fast() -> None:
    assert fitting(Card(10**6, second_mib=0.5)) == 960.0
    assert fitting(Card(10**6, second_mib=0.0)) == 960.0


def test_a_card_too_small_for_the_probe_still_takes_clip_by_clip() -> None:
    card = Card(400, second_mib=10.0)
    assert fitting(card) == pytest.approx(30.0)
    assert fitting(card, share=0.01) == pytest.approx(30.0)


def test_memory_that_cannot_be_seen_leaves_batches_as_they_are() -> None:
    card = Card(8_000, second_mib=10.0)
    seconds = fitting_seconds(card, lambda: None, memory_fraction=0.8, batches=2)
    assert seconds == card.batch_limits.seconds


@pytest.mark.skipif("CUDAExecutionProvider" in available_providers(), reason="there may be a card")
def test_without_cuda_no_memory_is_seen() -> None:
    assert cuda_memory() is None
