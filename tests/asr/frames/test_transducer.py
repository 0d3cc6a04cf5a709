"""Random networks, for lack of others, decoded clip by clip and frame by frame for comparison."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_transducer import (
    BLANK,
    DURATIONS,
    MOST_ON_A_FRAME,
    TOKENS,
    WIDTH,
    Array,
    TransducerWeights,
    decode_one,
    random_transducer,
)

from beam_audio.asr.frames.transducer import TransducerRules, decode_greedily
from beam_audio.errors import ModelError


def rules(*, durations: bool) -> TransducerRules:
    return TransducerRules(BLANK, len(TOKENS), MOST_ON_A_FRAME, durations)


def clips(seed: int, lengths: list[int]) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, WIDTH)).astype(np.float32) for length in lengths]


def decoded(
    encoded: list[Array], weights: TransducerWeights, *, durations: bool, rows: int | None = None
) -> list[list[tuple[int, int]]]:
    states = weights.states
    found = decode_greedily(encoded, weights.joint, rules(durations=durations), states, rows)
    return [[(one.token, one.frame) for one in clip] for clip in found]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    lengths=st.lists(st.integers(0, 30), max_size=8),
    durations=st.booleans(),
    rows=st.sampled_from([None, 1, 3]),
)
def test_a_batch_gives_what_each_clip_gives_alone(
    seed: int, lengths: list[int], rows: int | None, *, durations: bool
) -> None:
    weights = random_transducer(seed, durations=DURATIONS if durations else 0)
    encoded = clips(seed, lengths)
    expected = [decode_one(clip, weights, durations=durations) for clip in encoded]
    assert decoded(encoded, weights, durations=durations, rows=rows) == [
        [(token, frame) for token, frame, _ in clip] for clip in expected
    ]


@pytest.mark.parametrize("durations", [True, False])
def test_tokens_have_probabilities_and_lengths(*, durations: bool) -> None:
    weights = random_transducer(3, durations=DURATIONS if durations else 0)
    (clip,) = clips(3, [60])
    expected = decode_one(clip, weights, durations=durations)
    (found,) = decode_greedily([clip], weights.joint, rules(durations=durations), weights.states)
    assert len(found) > 5
    assert [one.logprob for one in found] == pytest.approx([one[2] for one in expected], abs=1e-5)
    assert all(one.frames >= 1 for one in found)
    assert any(one.frames > 1 for one in found) == durations
    frames = [one.frame for one in found]
    assert frames == sorted(frames)
    assert max(frames.count(frame) for frame in frames) <= MOST_ON_A_FRAME


def test_states_given_are_left_as_they_are() -> None:
    weights = random_transducer(1)
    states = weights.states
    decode_greedily(clips(1, [20, 30]), weights.joint, rules(durations=False), states)
    assert not states[0].any()
    assert not states[1].any()


@pytest.mark.parametrize("durations", [True, False])
def test_scores_of_another_kind_of_model_are_refused(*, durations: bool) -> None:
    weights = random_transducer(durations=0 if durations else DURATIONS)
    with pytest.raises(ModelError, match="of another kind"):
        decoded(clips(0, [3]), weights, durations=durations)
