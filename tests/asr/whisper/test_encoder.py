from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import ONE_CPU, export_random

from beam_audio.asr.whisper.encoder import Encoder, at_once
from beam_audio.asr.whisper.padding import (
    POSITION_BUCKETS,
    EncoderInput,
    bucket,
    encoder_input,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.models.card import Padding

SHAPE = Shape(width=16)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("random")
    export_random(SHAPE, random_weights(SHAPE), folder)
    return Encoder(folder, ONE_CPU)


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


def assert_same(found: dict[str, Any], row: int, alone: dict[str, Any], near: float = 1e-4) -> None:
    """A row of a batch has the keys and values that its clip has alone."""
    for name in alone.keys() - {"log_members"}:
        expected = alone[name].numpy()[0]
        filled = cut(found[name].numpy()[row], expected)
        np.testing.assert_allclose(filled, expected, atol=near * np.abs(expected).max())


def test_a_batch_encoded_at_once_is_the_clips_one_by_one(
    encoder: Encoder, clips: list[EncoderInput]
) -> None:
    together = encoder.encode_at_once(at_once(clips))
    for row, clip in enumerate(clips):
        assert_same(together, row, encoder.encode(encoder.prepare([clip])))


def test_a_batch_is_written_where_it_is_wanted(encoder: Encoder, clips: list[EncoderInput]) -> None:
    expected = encoder.encode_at_once(at_once(clips))
    into = {
        name: encoder.device.zeros(value.shape(), np.float32) for name, value in expected.items()
    }
    assert encoder.encode_at_once(at_once(clips), into) is into
    for name, value in expected.items():
        np.testing.assert_array_equal(into[name].numpy(), value.numpy())


@pytest.mark.parametrize("padding", ["full", "condensed"])
def test_more_positions_than_a_clip_has_change_nothing(encoder: Encoder, padding: Padding) -> None:
    clip = encoder_input(np.full(30_000, 0.1, np.float32), SHAPE.bands, padding)
    for least in (0, 700, 1500):
        found = encoder.encode_at_once(at_once([clip], least))
        assert found["cross_key_0"].shape()[3] == bucket(max(least, clip.positions))
        assert (found["log_members"].numpy()[0, clip.positions :] == np.float32(-1e4)).all()
        assert_same(found, 0, encoder.encode(encoder.prepare([clip])))


def test_warming_up_meets_every_size_once(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []
    run = encoder.device.run

    def watched(session: Any, feed: dict[str, Any], *how: Any) -> dict[str, Any]:  # noqa: ANN401
        met.append(feed["place"].shape()[1] if "place" in feed else None)
        return run(session, feed, *how)

    monkeypatch.setattr(encoder.device, "run", watched)
    encoder.warm_up("condensed", 1)
    assert [size for size in met if size] == list(POSITION_BUCKETS)
    met.clear()
    encoder.warm_up("full", 1)
    assert [size for size in met if size] == [1500]


def test_a_batch_has_the_keys_and_values_of_its_clips(
    encoder: Encoder, clips: list[EncoderInput]
) -> None:
    together = encoder.encode(encoder.prepare(clips))
    for row, clip in enumerate(clips):
        alone = encoder.encode(encoder.prepare([clip]))
        hidden = together["log_members"].numpy()[row, clip.positions :]
        assert (hidden == np.float32(-1e4)).all()
        for name in alone.keys() - {"log_members"}:
            expected, found = alone[name].numpy()[0], together[name].numpy()[row]
            assert np.array_equal(cut(found, expected), expected)
            assert np.count_nonzero(found) == np.count_nonzero(expected)
