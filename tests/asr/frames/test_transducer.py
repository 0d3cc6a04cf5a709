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
    heard = clips(2, [25, 9, 17, 25], sizes.width)
    batch = places(decoder.decode(apart(heard)))
    assert batch == expected(heard, weights, durations=bool(durations))
    assert batch == [places(decoder.decode(apart([clip])))[0] for clip in heard]
    assert sum(map(len, batch)) > 20


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
    moved: list[int] = []
    put, fetch = Device.put, Device.fetch

    def counted_put(device: Device, array: NDArray[Any]) -> object:
        moved.append(array.size)
        return put(device, array)

    def counted_fetch(device: Device, value: object) -> NDArray[Any]:
        array = fetch(device, value)
        moved.append(array.size)
        return array

    decoder = load(
        random_transducer(3, durations=DURATIONS if durations else 0), durations=durations
    )
    for length in (5, 60):
        heard = together(clips(3, [length] * 3), length)
        monkeypatch.setattr(Device, "put", counted_put)
        monkeypatch.setattr(Device, "fetch", counted_fetch)
        found = decoder.decode([heard])
        monkeypatch.undo()
        lengths, rows, *of_labels = moved
        moved.clear()
        assert lengths == rows == len(found)
        # At most half of the clips wait while the others look for their next token.
        most = max(map(len, found)) * len(found)
        assert len(of_labels) == 4
        assert max(of_labels) <= 2 * most + length


@pytest.mark.parametrize("durations", [True, False])
def test_scores_of_another_kind_of_model_are_refused(*, durations: bool) -> None:
    weights = random_transducer(durations=0 if durations else DURATIONS)
    with pytest.raises(ModelError, match="of another kind"):
        load(weights, durations=durations)
