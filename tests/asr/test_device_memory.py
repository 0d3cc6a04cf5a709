"""The size of batches follows from what a few clips take, on a device that the test makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.asr.device_memory import (
    MOST_BATCH_SECONDS,
    DeviceMemory,
    cuda_memory,
    fitting_seconds,
)
from beam_audio.asr.memory_bound import MemoryBound
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
        self.others_bytes = 0
        self.fixed_bytes = fixed_mib * MIB

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        rate_hz = self.facts.sample_rate_hz
        longest = max(len(each.samples) for each in requests) / rate_hz
        wanted = self.fixed_bytes + len(requests) * longest * self.second_bytes
        if wanted > self.total_bytes - self.others_bytes:
            raise RuntimeError("Failed to allocate memory for requested buffer")
        self.taken_bytes = max(self.taken_bytes, wanted)
        return super().transcribe(requests)

    def memory(self) -> DeviceMemory:
        free_bytes = self.total_bytes - self.others_bytes - round(self.taken_bytes)
        return DeviceMemory(free_bytes, self.total_bytes)


def fitting(card: Card, share: float = 1.0) -> float:
    bound = MemoryBound(card, MOST_BATCH_SECONDS)
    return fitting_seconds(bound, card.memory, memory_fraction=share)


def test_batches_of_all_sizes_up_to_the_one_that_fits_fit_beside_each_other() -> None:
    card = Card(8_000, second_mib=10.0, fixed_mib=500)
    seconds = fitting(card)
    assert seconds == pytest.approx((8_000 - 500 - 30 * 10) / 10.0 / 2, rel=0.05)
    assert card.fixed_bytes + 2 * seconds * card.second_bytes <= card.total_bytes


def test_half_the_memory_makes_batches_half_as_large() -> None:
    whole = fitting(Card(8_000, second_mib=10.0))
    assert fitting(Card(8_000, second_mib=10.0), share=0.5) == pytest.approx(whole / 2, rel=0.1)


def test_two_processes_share_a_card_by_their_fractions() -> None:
    first = Card(8_000, second_mib=10.0)
    second = Card(8_000, second_mib=10.0)
    alone = fitting(first, share=0.4)
    second.others_bytes = round(0.4 * first.total_bytes)
    assert fitting(second, share=0.4) == pytest.approx(alone)


def test_what_others_have_is_not_taken() -> None:
    card = Card(8_000, second_mib=10.0)
    card.others_bytes = 5_000 * MIB
    assert fitting(card, share=0.8) == pytest.approx(3_000 / 10.0 / 2, rel=0.2)


def test_much_memory_makes_no_larger_batch_than_is_fast() -> None:
    assert fitting(Card(10**6, second_mib=0.5)) == 960.0
    assert fitting(Card(10**6, second_mib=0.0)) == 960.0


def test_a_card_too_small_for_the_probe_still_takes_clip_by_clip() -> None:
    card = Card(400, second_mib=10.0)
    assert fitting(card) == pytest.approx(30.0)
    assert fitting(card, share=0.01) == pytest.approx(30.0)


def test_where_memory_cannot_be_seen_batches_are_those_of_a_cpu() -> None:
    card = Card(8_000, second_mib=10.0)
    bound = MemoryBound(card, MOST_BATCH_SECONDS)
    assert fitting_seconds(bound, lambda: None, memory_fraction=0.8) == 120.0


@pytest.mark.skipif("CUDAExecutionProvider" in available_providers(), reason="there may be a card")
def test_without_cuda_no_memory_is_seen() -> None:
    assert cuda_memory() is None
