from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import (
    END,
    SUPPRESSED,
    SUPPRESSED_FIRST,
    NumpyWhisper,
    Shape,
    random_weights,
)
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.alignment import attention_of_tokens
from beam_audio.asr.whisper.decoding import Decoded, Decoding, decode_safely
from beam_audio.asr.whisper.padding import encoder_input
from beam_audio.asr.whisper.safeguards import TEMPERATURES, Attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.whisper.graphs import WhisperGraphs
    from beam_audio.models.whisper.config import WhisperConfig

SHAPE = Shape(width=16, positions=40)  # at most 20 tokens
WEIGHTS = random_weights(SHAPE)
WEIGHTS["model.decoder.embed_tokens.weight"][END] *= 3  # so that some texts end
PROMPT = [50258, 50259, 50360, 50364]
CONTEXT = [50362, 11]


@dataclass(frozen=True)
class Model:
    graphs: WhisperGraphs
    config: WhisperConfig
    clips: list[NDArray[np.float32]] = field(repr=False)

    def begin(self, places: Sequence[int], context: Sequence[int] = ()) -> Decoding:
        inputs = [encoder_input(self.clips[place], SHAPE.bands, "full") for place in places]
        prompts = [[*context, *PROMPT] for _ in places]
        decoder = self.graphs.decoder
        started = decoder.read(
            self.graphs.encode(self.graphs.prepare(inputs)), prompts, len(context)
        )
        return Decoding(decoder, self.config, started)


@pytest.fixture(scope="module", params=[False, True], ids=["any size", "fixed sizes"])
def model(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Model:
    folder = tmp_path_factory.mktemp("random")
    graphs, config = load_random(SHAPE, WEIGHTS, folder, fixed=request.param)
    rng = np.random.default_rng(3)
    lengths = (8_000, 30_000, 200, 60_000, 12_000)
    return Model(
        graphs,
        config,
        [rng.normal(scale=0.1, size=length).astype(np.float32) for length in lengths],
    )


@pytest.mark.parametrize("context", [[], CONTEXT])
def test_attention_and_probabilities_are_those_of_the_whole_sequence(
    model: Model, context: list[int]
) -> None:
    (decoded,) = model.begin([0], context).run([0], 0.0, [0])
    network = NumpyWhisper(WEIGHTS, SHAPE)
    features = encoder_input(model.clips[0], SHAPE.bands, "full")
    logits = network.logits([*context, *PROMPT, *decoded.tokens], network.encode(features.log_mel))
    frames = -(-len(model.clips[0]) // 320)
    scores = [
        network.scores[f"model.decoder.layers.{layer}.encoder_attn"][head]
        for layer, head in model.config.alignment_heads
    ]
    # One row per token fed from the start of the transcript on, one column per frame.
    fed = np.stack(scores)[:, len(context) :, :frames].astype(np.float32)
    np.testing.assert_allclose(decoded.attention, attention_of_tokens(fed), atol=1e-2)
    following = logits[len(context) + len(PROMPT) - 1 :][: len(decoded.logprobs)]
    following[:, list(SUPPRESSED)] = -np.inf
    following[0, list(SUPPRESSED_FIRST)] = -np.inf
    powers = np.exp(following - following.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    assert decoded.tokens == tuple(probabilities.argmax(axis=1))[: len(decoded.tokens)]
    np.testing.assert_allclose(decoded.logprobs, np.log(probabilities.max(axis=1)), atol=1e-3)


def test_a_row_that_ended_keeps_nothing_of_what_follows(model: Model) -> None:
    decoding = model.begin([0, 1, 2, 3] * 4)
    found = decoding.run(range(16), 1.0, range(16))
    ended = [len(decoded.logprobs) == len(decoded.tokens) + 1 for decoded in found]
    assert 0 < sum(ended) < len(ended)
    for decoded, has_end in zip(found, ended, strict=True):
        assert END not in decoded.tokens
        assert len(decoded.attention) == len(PROMPT) + len(decoded.tokens)
        assert has_end or len(decoded.tokens) == len(decoded.logprobs) == 20
        mean = sum(decoded.logprobs) / (len(decoded.tokens) + 1)
        assert decoded.avg_logprob == pytest.approx(mean)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_neighbours_and_order_change_nothing(model: Model, temperature: float) -> None:
    alone = [model.begin([place]).run([0], temperature, [place])[0] for place in range(4)]
    decoding = model.begin([0, 1, 2, 3])
    for rows in ([0, 1, 2, 3], [3, 1], [2, 0, 3]):
        for row, found in zip(rows, decoding.run(rows, temperature, rows), strict=True):
            assert found.tokens == alone[row].tokens
            assert found.no_speech_prob == pytest.approx(alone[row].no_speech_prob, abs=1e-6)
            np.testing.assert_allclose(found.logprobs, alone[row].logprobs, atol=1e-4)
            np.testing.assert_allclose(found.attention, alone[row].attention, atol=1e-2)


def test_the_seed_decides_what_is_drawn(model: Model) -> None:
    decoding = model.begin([0])
    drawn = [decoding.run([0], 1.0, [seed])[0].tokens for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]
    likeliest = [decoding.run([0], 0.0, [seed])[0].tokens for seed in (1, 2)]
    assert likeliest[0] == likeliest[1]


CLAIMS = {
    0: [-0.2],
    1: [-2.0, -1.5, -0.9],
    2: [-3.0, -2.0, -1.5, -1.1, -1.3, -4.0],
    3: [-2.0],
    4: [-3.0],
}
"""Log probability of each row at each temperature; row 3 is silence, row 4 has one try."""


def test_only_unsafe_texts_are_decoded_again_and_the_best_is_kept(model: Model) -> None:
    asked: list[tuple[int, float]] = []

    def judge(row: int, decoded: Decoded) -> Attempt:
        asked.append((row, decoded.temperature))
        claim = CLAIMS[row][TEMPERATURES.index(decoded.temperature)]
        return Attempt(f"{row} {decoded.temperature}", "en", claim, 0.9 if row == 3 else 0.1)

    decoding = model.begin([0, 1, 2, 3, 4])
    found = decode_safely(decoding, [5, 6, 7, 8, 9], judge, [True, True, True, True, False])
    assert asked == [
        (row, temperature)
        for count, temperature in enumerate(TEMPERATURES)
        for row in CLAIMS
        if count < len(CLAIMS[row])
    ]
    assert [decoded.temperature for decoded, _ in found] == [0.0, 0.4, 0.6, 0.0, 0.0]
    for row, (decoded, attempt) in enumerate(found):
        assert attempt.text == f"{row} {decoded.temperature}"
        (again,) = decoding.run([row], decoded.temperature, [5 + row])
        assert again.tokens == decoded.tokens
