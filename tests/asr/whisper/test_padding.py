from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.whisper.log_mel import log_mel
from beam_audio.asr.whisper.padding import (
    POSITION_BUCKETS,
    POSITIONS,
    EncoderInput,
    bucket,
    computed_positions,
    condensed_positions,
    content_positions,
    encoder_input,
)
from beam_audio.models.whisper.position_groups import group_row

if TYPE_CHECKING:
    from beam_audio.models.card import Padding

LENGTHS = st.integers(0, 480_000)


def clip(length: int, padding: Padding = "condensed") -> EncoderInput:
    samples = np.random.default_rng(length).normal(size=length).astype(np.float32)
    return encoder_input(samples, 80, padding)


@given(LENGTHS)
def test_the_groups_cover_the_window_once(length: int) -> None:
    window = clip(length)
    members = np.rint(np.exp(window.log_members)).astype(int)
    assert members.sum() == POSITIONS
    content = content_positions(length)
    assert members[:content].tolist() == [1] * content
    assert window.own_positions <= content
    starts = np.cumsum(members) - members
    groups = zip(members.tolist(), starts.tolist(), strict=True)
    assert window.place.tolist() == [group_row(*group, POSITIONS) for group in groups]
    assert window.positions == condensed_positions(length)


@given(LENGTHS)
def test_only_computed_positions_are_used(length: int) -> None:
    window = clip(length)
    computed = window.log_mel.shape[1] // 2
    assert window.source.max() < computed
    assert window.source[-1] == computed - 1  # as in the full window, the last covers its end
    assert window.source[:-1].max(initial=0) < computed - 1


@given(LENGTHS)
def test_positions_after_the_content_hear_silence_only(length: int) -> None:
    features = log_mel(np.full(length, 0.5, np.float32), 80)
    silence = features[:, 2 * content_positions(length) - 2 :]
    assert silence.size == 0 or (silence == silence[:, :1]).all() or length > 479_000


@pytest.mark.parametrize("length", [0, 1, 16_000, 480_000])
def test_full_padding_is_the_whole_window(length: int) -> None:
    window = clip(length, "full")
    assert window.log_mel.shape == (80, 3000)
    assert window.source.tolist() == window.place.tolist() == list(range(POSITIONS))
    assert not window.log_members.any()


def test_a_clip_that_fills_the_window_is_the_same_either_way() -> None:
    full, condensed = clip(480_000, "full"), clip(480_000)
    for name in ("log_mel", "source", "place", "log_members"):
        assert np.array_equal(getattr(full, name), getattr(condensed, name))


def test_short_clips_take_a_fraction_of_the_window() -> None:
    assert condensed_positions(16_000) < 0.3 * POSITIONS
    assert condensed_positions(5 * 16_000) < 0.4 * POSITIONS


@pytest.mark.parametrize(
    ("positions", "size"), [(1, 256), (256, 256), (257, 320), (1301, POSITIONS), (1500, POSITIONS)]
)
def test_the_bucket_is_the_least_that_holds_the_positions(positions: int, size: int) -> None:
    assert bucket(positions) == size


@given(LENGTHS)
def test_a_device_computes_at_least_what_a_clip_has(length: int) -> None:
    own = computed_positions(length, "condensed", on_device=False)
    assert own == clip(length).positions
    there = computed_positions(length, "condensed", on_device=True)
    assert there in POSITION_BUCKETS
    assert own <= there <= max(1.3 * own, POSITION_BUCKETS[0])
    assert computed_positions(length, "full", on_device=False) == POSITIONS


def test_a_passage_of_twenty_seconds_has_a_bucket_of_its_own() -> None:
    assert bucket(condensed_positions(20 * 16_000)) < bucket(condensed_positions(21 * 16_000))


@given(LENGTHS)
def test_positions_reach_over_all_frames_that_are_computed(length: int) -> None:
    """So that features of twice as many frames as a bucket's positions hold those of the clip."""
    window = clip(length)
    assert window.frames <= 2 * window.positions
    assert POSITION_BUCKETS[0] >= condensed_positions(0)
