from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.padding import EncoderInput, encoder_input
from beam_audio.asr.whisper.token_attention import mirrored

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.whisper.graphs import WhisperGraphs

SHAPE = Shape(width=16)
PROMPT = [50258, 50259, 50360, 50364]
TOKENS = [[5, 9, 11, 3], [8, 8, 2], [4, 20, 7, 1]]


def clips() -> list[EncoderInput]:
    rng = np.random.default_rng(3)
    lengths = (4_000, 30_000, 12_000) * 4  # more than a device is asked for at once
    samples = [rng.normal(size=length).astype(np.float32) for length in lengths]
    return [encoder_input(each, SHAPE.bands, "condensed") for each in samples]


def attention(graphs: WhisperGraphs) -> list[NDArray[np.float32]]:
    """Of some tokens of each clip, all after the start of the transcript."""
    heard = clips()
    encoded = graphs.encode(graphs.prepare(heard))
    prompts = [[*PROMPT, *TOKENS[0]] for _ in heard]
    started = graphs.decoder.read(encoded, prompts, 0)
    places = [slice(0, 8 - row % 3) for row in range(len(heard))]
    rows = list(range(len(heard)))[::-1]
    return graphs.decoder.attention.of_rows(encoded, started.buffers, rows, places)


def test_a_device_finds_what_numpy_finds(tmp_path: Path) -> None:
    weights = random_weights(SHAPE)
    (tmp_path / "device").mkdir()
    on_the_cpu = attention(load_random(SHAPE, weights, tmp_path)[0])
    on_a_device = attention(load_random(SHAPE, weights, tmp_path / "device", fixed=True)[0])
    assert len(on_the_cpu) == len(on_a_device) == 12
    for row, (one, other) in enumerate(zip(on_the_cpu, on_a_device, strict=True)):
        assert one.shape == (8 - row % 3, (38, 94, 13)[row % 3])
        np.testing.assert_allclose(other, one, atol=1e-2)


@given(st.lists(st.integers(4, 40), min_size=1, max_size=5))
def test_frames_are_mirrored_at_the_ends_of_a_clip(frames: list[int]) -> None:
    found = mirrored(np.array(frames), max(frames))
    assert found.shape == (len(frames), max(frames) + 6)
    for row, count in zip(found, frames, strict=True):
        np.testing.assert_array_equal(row[: count + 6], np.pad(np.arange(count), 3, mode="reflect"))
        assert row.min() >= 0
        assert row.max() < count


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_shortest_clips_have_frames_of_their_own(count: int) -> None:
    found = mirrored(np.array([count, 9]), 9)
    assert found[0].min() == 0
    assert found[0].max() <= max(0, count - 1)
