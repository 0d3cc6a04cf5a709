from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import ONE_CPU, export_random

from beam_audio.asr.whisper.encoder import Encoder
from beam_audio.asr.whisper.padding import EncoderInput, encoder_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = Shape(width=16)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("random")
    export_random(SHAPE, random_weights(SHAPE), folder)
    return Encoder(folder / "encoder.onnx", ONE_CPU)


@pytest.fixture(scope="module")
def clips() -> list[EncoderInput]:
    """Three clips of unequal length, condensed."""
    rng = np.random.default_rng(3)
    return [
        encoder_input(rng.normal(size=length).astype(np.float32), SHAPE.bands, "condensed")
        for length in (4_000, 48_000, 479_900)
    ]


def cut(array: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    return array[:, : like.shape[1], : like.shape[2]]


def test_the_provider_is_the_sessions(encoder: Encoder) -> None:
    assert encoder.provider == "CPUExecutionProvider"


def test_a_batch_encoded_at_once_is_the_clips_one_by_one(
    encoder: Encoder, clips: list[EncoderInput]
) -> None:
    together = encoder.encode_at_once(clips)
    for row, clip in enumerate(clips):
        for name, value in encoder.encode_at_once([clip]).items():
            alone = value.numpy()[0]
            filled = cut(together[name].numpy()[row], alone)
            np.testing.assert_allclose(filled, alone, atol=1e-4 * np.abs(alone).max())


def test_a_batch_has_the_keys_and_values_of_its_clips(
    encoder: Encoder, clips: list[EncoderInput]
) -> None:
    together = encoder.encode(clips)
    for row, clip in enumerate(clips):
        alone = encoder.encode([clip])
        hidden = together["log_members"].numpy()[row, clip.positions :]
        assert (hidden == np.float32(-1e4)).all()
        for name in alone.keys() - {"log_members"}:
            expected, found = alone[name].numpy()[0], together[name].numpy()[row]
            assert np.array_equal(cut(found, expected), expected)
            assert np.count_nonzero(found) == np.count_nonzero(expected)
