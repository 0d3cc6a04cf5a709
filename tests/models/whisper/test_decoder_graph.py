from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from support.decoder_session import PLACES, DecoderSession, numpy_audio, past_of
from support.random_whisper import NumpyWhisper, Shape, Weights, random_weights
from support.random_whisper_models import export_random

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from beam_audio.models.whisper.transformer import Precision

SHAPE = Shape()  # large-v3's bands and vocabulary, with few and thin layers
TOKENS = [50258, 50259, 50360, 50364, 17, 4711, 50257]
ALIGNMENT = ((0, 1), (1, 0))


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(SHAPE)


@pytest.fixture(scope="module")
def network(weights: Weights) -> NumpyWhisper:
    return NumpyWhisper(weights, SHAPE)


@pytest.fixture(scope="module")
def session_of(
    tmp_path_factory: pytest.TempPathFactory, weights: Weights
) -> Callable[[Precision], DecoderSession]:
    def session(precision: Precision) -> DecoderSession:
        folder = tmp_path_factory.mktemp(precision)
        export_random(SHAPE, weights, folder, precision)
        dtype = np.float16 if precision == "float16" else np.float32
        return DecoderSession(folder / "decoder.onnx", SHAPE, dtype)

    return session


@pytest.fixture(scope="module")
def session(session_of: Callable[[Precision], DecoderSession]) -> DecoderSession:
    return session_of("float32")


def encoded(rows: int, positions: int = 60) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(7)
    return [rng.normal(size=(positions, SHAPE.width)) for _ in range(rows)]


def test_steps_compute_what_the_reference_does(
    session: DecoderSession, network: NumpyWhisper
) -> None:
    clips, tokens = encoded(2), np.array([TOKENS, TOKENS])
    audio = numpy_audio(network, clips)
    expected = np.stack([network.logits(TOKENS, clip) for clip in clips])
    near = 1e-4 * float(np.abs(expected).max())

    # A prompt of four tokens, with logits at two positions; then the other tokens one at a time.
    feed = {**audio, **session.blank(2), "tokens": tokens[:, :4], "positions": np.array([0, 3])}
    result = session.step(feed)
    np.testing.assert_allclose(result["logits"], expected[:, [0, 3]], atol=near)
    for place in range(4, len(TOKENS)):
        result = session.step(
            {
                **audio,
                **past_of(result),
                "tokens": tokens[:, place : place + 1],
                "start": np.array([place]),
                "positions": np.array([0]),
            }
        )
        np.testing.assert_allclose(result["logits"][:, 0], expected[:, place], atol=near)


def test_the_likeliest_token_and_log_probabilities_are_those_of_the_logits(
    session: DecoderSession, network: NumpyWhisper
) -> None:
    clips = encoded(2)
    hidden = np.zeros((2, SHAPE.vocabulary), np.float32)
    best = network.logits(TOKENS, clips[0])[6].argmax()
    hidden[1, best] = -np.inf
    feed = {"tokens": np.array([TOKENS, TOKENS]), "positions": np.array([2, 6]), "hidden": hidden}
    asked = np.array([11, 50363])
    found = session.step(
        {**numpy_audio(network, clips), **session.blank(2), **feed, "asked": asked}
    )
    for row, clip in enumerate(clips):
        logits = network.logits(TOKENS, clip)[[2, 6]] + hidden
        logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        assert found["token"][row].tolist() == logits.argmax(axis=1).tolist()
        np.testing.assert_allclose(found["logprob"][row], logprobs.max(axis=1), atol=1e-4)
        np.testing.assert_allclose(found["asked_logprobs"][row], logprobs[:, asked], atol=1e-4)
    assert found["token"][0, 1] != best


def test_one_buffer_as_input_and_output_is_written_in_place(
    session: DecoderSession, network: NumpyWhisper
) -> None:
    feed = {
        **numpy_audio(network, encoded(1)),
        **session.blank(1),
        "tokens": np.array([TOKENS[:2]]),
        "start": np.array([3]),
        "positions": np.array([1]),
    }
    apart = session.step(feed)
    whole = {"hidden": np.zeros((1, SHAPE.vocabulary), np.float32), "asked": np.zeros(1, np.int64)}
    values = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(array)
        for name, array in (feed | whole).items()
    }
    binding = session.session.io_binding()
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    for name in past_of(apart):
        binding.bind_ortvalue_output(name.replace("past", "present"), values[name])
    session.session.run_with_iobinding(binding)
    for name, expected in past_of(apart).items():
        np.testing.assert_array_equal(values[name].numpy(), expected)
        untouched = [place for place in range(PLACES) if place not in {3, 4}]
        assert (expected[:, :, untouched] == 7).all()
        assert (expected[:, :, [3, 4]] != 7).all()


def test_queries_of_the_heads_that_follow_time_are_kept(
    session: DecoderSession, network: NumpyWhisper
) -> None:
    (clip,) = encoded(1)
    audio = numpy_audio(network, [clip])
    feed = {"tokens": np.array([TOKENS]), "positions": np.array([0])}
    queries = session.step({**audio, **session.blank(1), **feed})["present_query"]
    network.logits(TOKENS, clip)
    for place, (layer, head) in enumerate(ALIGNMENT):
        found = queries[0, place, : len(TOKENS)] @ audio[f"cross_key_{layer}"][0, head]
        expected = network.scores[f"model.decoder.layers.{layer}.encoder_attn"][head]
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_position_counts_as_often_as_it_has_members(
    session: DecoderSession, network: NumpyWhisper
) -> None:
    (clip,) = encoded(1, positions=40)
    members = [1] * 20 + [4] * 20
    feed = {"tokens": np.array([TOKENS]), "positions": np.arange(len(TOKENS))}
    audio = numpy_audio(network, [clip], members=members)
    found = session.step({**audio, **session.blank(1), **feed})["logits"][0]
    expected = network.logits(TOKENS, np.repeat(clip, members, axis=0))
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize(("precision", "near"), [("float16", 0.01), ("int8", 0.1)])
def test_other_number_types_compute_nearly_the_same(
    session_of: Callable[[Precision], DecoderSession],
    network: NumpyWhisper,
    precision: Precision,
    near: float,
) -> None:
    (clip,), session = encoded(1), session_of(precision)
    number = np.float16 if precision == "float16" else np.float32
    feed = {"tokens": np.array([TOKENS]), "positions": np.arange(len(TOKENS))}
    audio = numpy_audio(network, [clip], number)
    result = session.step({**audio, **session.blank(1), **feed})
    expected = network.logits(TOKENS, clip)
    assert {result[name].dtype for name in ("logits", "logprob")} == {np.dtype(np.float32)}
    error = np.sqrt(np.mean((result["logits"][0] - expected) ** 2))
    assert error < near * np.std(expected)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_row_does_not_depend_on_the_rows_beside_it(
    session_of: Callable[[Precision], DecoderSession], network: NumpyWhisper, precision: Precision
) -> None:
    session, clips = session_of(precision), encoded(3)
    clips[1] *= 100  # a loud clip that would change a scale shared by the batch
    tokens = np.array([TOKENS, TOKENS[::-1], TOKENS])
    positions = np.arange(len(TOKENS))
    audio = numpy_audio(network, clips)
    together = session.step(
        {**audio, **session.blank(3), "tokens": tokens, "positions": positions}
    )["logits"]
    for row in range(3):
        one = {name: value[row : row + 1] for name, value in audio.items()}
        feed = {"tokens": tokens[row : row + 1], "positions": positions}
        alone = session.step({**one, **session.blank(1), **feed})["logits"]
        np.testing.assert_allclose(alone[0], together[row], atol=1e-4 * np.abs(alone).max())
