"""Random networks, for lack of others, decoded clip by clip and frame by frame for comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_transducer import (
    DURATIONS,
    MOST_ON_A_FRAME,
    PARAKEET,
    WIDTH,
    Array,
    Sizes,
    TransducerWeights,
    decode_one,
    random_transducer,
    write_decoder_joint,
)

from beam_audio.asr.device_values import Device
from beam_audio.asr.frames.label_loop import TransducerRules
from beam_audio.asr.frames.transducer import Emission, Encoded, TransducerDecoder
from beam_audio.asr.model_options import ModelOptions
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEVICE = Device("CPUExecutionProvider")
OPTIONS = ModelOptions(provider="cpu", threads=1)


def load(
    weights: TransducerWeights, *, durations: bool, clips: int | str = "b"
) -> TransducerDecoder:
    rules = TransducerRules(weights.tokens - 1, weights.tokens, MOST_ON_A_FRAME, durations)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "decoder_joint-model.onnx"
        write_decoder_joint(path, weights, clips)
        return TransducerDecoder(path, rules, DEVICE, OPTIONS)


def clips(seed: int, lengths: list[int], width: int = WIDTH) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, width)).astype(np.float32) for length in lengths]


def together(clips: list[Array], padded: int) -> Encoded:
    """Clips that one call of an encoder padded, with numbers that no result may depend on."""
    frames = np.full((len(clips), clips[0].shape[1], padded), 7, np.float32)
    for row, clip in enumerate(clips):
        frames[row, :, : len(clip)] = clip.T
    lengths = np.array([len(clip) for clip in clips])
    return Encoded(tuple(range(len(clips))), DEVICE.put(frames), lengths)


def apart(clips: list[Array]) -> list[Encoded]:
    """Clips that an encoder got one by one."""
    return [replace(together([clip], len(clip)), rows=(row,)) for row, clip in enumerate(clips)]


def places(found: list[list[Emission]]) -> list[list[tuple[int, int]]]:
    return [[(one.token, one.frame) for one in clip] for clip in found]


def expected(
    clips: list[Array], weights: TransducerWeights, *, durations: bool
) -> list[list[tuple[int, int]]]:
    found = [decode_one(clip, weights, durations=durations) for clip in clips]
    return [[(token, frame) for token, frame, _ in clip] for clip in found]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    lengths=st.lists(st.integers(0, 30), max_size=8),
    durations=st.booleans(),
    layers=st.integers(1, 2),
)
def test_a_batch_gives_what_each_clip_gives_alone(
    seed: int, lengths: list[int], layers: int, *, durations: bool
) -> None:
    sizes = Sizes(layers=layers)
    weights = random_transducer(seed, durations=DURATIONS if durations else 0, sizes=sizes)
    heard = clips(seed, lengths)
    decoder = load(weights, durations=durations)
    right = expected(heard, weights, durations=durations)
    assert places(decoder.decode(apart(heard))) == right
    if heard:
        assert places(decoder.decode([together(heard, max(lengths) + 3)])) == right


@pytest.mark.parametrize(
    ("tokens", "durations"),
    [(1025, 0), (1025, DURATIONS), pytest.param(8193, DURATIONS, marks=pytest.mark.slow)],
)
def test_networks_of_parakeets_size_give_what_numpy_gives(tokens: int, durations: int) -> None:
    sizes = replace(PARAKEET, tokens=tokens)
    weights = random_transducer(1, durations=durations, sizes=sizes)
    decoder = load(weights, durations=bool(durations))
    heard = clips(2, [12, 5, 9, 12], sizes.width)
    batch = places(decoder.decode(apart(heard)))
    assert batch == expected(heard, weights, durations=bool(durations))
    assert batch == [places(decoder.decode(apart([clip])))[0] for clip in heard]
    assert sum(map(len, batch)) > 8


@pytest.mark.parametrize("durations", [True, False])
def test_tokens_have_probabilities_and_lengths(*, durations: bool) -> None:
    weights = random_transducer(3, durations=DURATIONS if durations else 0)
    (clip,) = clips(3, [60])
    right = decode_one(clip, weights, durations=durations)
    (found,) = load(weights, durations=durations).decode(apart([clip]))
    assert len(found) > 5
    assert [one.logprob for one in found] == pytest.approx([one[2] for one in right], abs=1e-5)
    assert all(one.frames >= 1 for one in found)
    assert any(one.frames > 1 for one in found) == durations
    frames = [one.frame for one in found]
    assert frames == sorted(frames)
    assert max(frames.count(frame) for frame in frames) <= MOST_ON_A_FRAME


def test_networks_for_one_clip_get_one_at_a_time() -> None:
    weights = random_transducer(5)
    heard = clips(5, [20, 4, 31])
    decoder = load(weights, durations=False, clips=1)
    assert not decoder.takes_batches
    assert places(decoder.decode(apart(heard))) == expected(heard, weights, durations=False)


@pytest.mark.parametrize("durations", [True, False])
def test_inside_the_loop_nothing_is_put_or_fetched(
    monkeypatch: pytest.MonkeyPatch, *, durations: bool
) -> None:
    """All that crosses is small, and crosses once a batch, however long the clips are."""
    fetched: list[NDArray[Any]] = []
    fetch = Device.fetch

    def noted(device: Device, value: object) -> NDArray[Any]:
        fetched.append(fetch(device, value))
        return fetched[-1]

    weights = random_transducer(3, durations=DURATIONS if durations else 0)
    decoder = load(weights, durations=durations)
    for length in (5, 60):
        heard = together(clips(3, [length] * 3), length)
        before = DEVICE.put_bytes
        monkeypatch.setattr(Device, "fetch", noted)
        found = decoder.decode([heard])
        monkeypatch.undo()
        assert DEVICE.put_bytes - before == 2 * 3 * 8  # lengths, and rows of the batch
        # In each round of labels, as many clips as look for a token may be left without one.
        rounds = 2 * max(map(len, found)) + length
        assert len(fetched) == 4
        assert all(array.shape[1:] == (3,) and len(array) <= rounds for array in fetched)
        fetched.clear()


@pytest.mark.parametrize("durations", [True, False])
def test_scores_of_another_kind_of_model_are_refused(*, durations: bool) -> None:
    weights = random_transducer(durations=0 if durations else DURATIONS)
    with pytest.raises(ModelError, match="of another kind"):
        load(weights, durations=durations)
