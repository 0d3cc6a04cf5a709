from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import NumpyWhisper, Shape, random_weights
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.padding import EncoderInput, encoder_input
from beam_audio.asr.whisper.token_loop import TokenLoop

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr.whisper.decoder import Started
    from beam_audio.asr.whisper.graphs import WhisperGraphs

SHAPE = Shape(width=16)
WEIGHTS = random_weights(SHAPE)
PROMPT = [50258, 50259, 50360, 50364]
NEVER = [1, 2, 7]


@pytest.fixture(scope="module", params=[False, True], ids=["any size", "fixed sizes"])
def graphs(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> WhisperGraphs:
    folder = tmp_path_factory.mktemp("random")
    return load_random(SHAPE, WEIGHTS, folder, fixed=request.param)[0]


@pytest.fixture(scope="module")
def clips() -> list[EncoderInput]:
    """Four clips of unequal length, condensed."""
    rng = np.random.default_rng(3)
    return [
        encoder_input(rng.normal(size=length).astype(np.float32), SHAPE.bands, "condensed")
        for length in (4_000, 9_000, 30_000, 12_000)
    ]


@pytest.fixture(scope="module")
def started(graphs: WhisperGraphs, clips: list[EncoderInput]) -> Started:
    return graphs.decoder.read(graphs.encode(graphs.prepare(clips)), [PROMPT for _ in clips], 0)


def likeliest(clip: EncoderInput, count: int) -> tuple[list[int], list[float]]:
    """The first tokens after the prompt, and their log probabilities."""
    network = NumpyWhisper(WEIGHTS, SHAPE)
    members = np.rint(np.exp(clip.log_members)).astype(int)
    hidden = network.encode(clip.log_mel, clip.source.tolist(), members.tolist())
    tokens: list[int] = []
    logprobs: list[float] = []
    for _ in range(count):
        last = network.logits([*PROMPT, *tokens], hidden)[-1]
        last[NEVER if tokens else [*NEVER, 220, 50257]] = -np.inf
        tokens.append(int(last.argmax()))
        logprobs.append(float(last.max() - np.log(np.exp(last).sum())))
    return tokens, logprobs


def test_each_step_feeds_the_token_before_it(
    graphs: WhisperGraphs, clips: list[EncoderInput], started: Started
) -> None:
    loop = TokenLoop(graphs.decoder, started, drawing=False)
    loop.put(started.tokens)
    steps = [loop.step() for _ in range(3)]
    for row, clip in enumerate(clips):
        tokens, logprobs = likeliest(clip, 4)
        assert [int(each[row]) for each in (started.tokens, *(step[0] for step in steps))] == tokens
        np.testing.assert_allclose([step[1][row] for step in steps], logprobs[1:], atol=1e-3)


def test_logits_are_those_that_tokens_are_chosen_from(
    graphs: WhisperGraphs, started: Started
) -> None:
    greedy = TokenLoop(graphs.decoder, started, drawing=False)
    greedy.put(started.tokens)
    first, second = greedy.step()[0], greedy.step()[0]
    drawing = TokenLoop(graphs.decoder, started, drawing=True)
    drawing.put(started.tokens)
    logits = drawing.logits()
    assert logits.argmax(axis=1).tolist() == first.tolist()
    assert np.isneginf(logits[:, NEVER]).all()
    drawing.put(first)
    assert drawing.logits().argmax(axis=1).tolist() == second.tolist()


@pytest.mark.parametrize("kept", [[2, 0], [1], [0, 1, 2, 3], [3, 2, 1, 0]])
def test_kept_rows_go_on_as_if_alone(
    graphs: WhisperGraphs, clips: list[EncoderInput], started: Started, kept: list[int]
) -> None:
    loop = TokenLoop(graphs.decoder, started, drawing=False)
    loop.put(started.tokens)
    tokens, _ = loop.step()
    loop.keep(np.array(kept))
    loop.put(tokens[kept])
    found, logprobs = loop.step()
    assert loop.rows == len(kept)
    for place, row in enumerate(kept):
        alone = graphs.decoder.read(graphs.encode(graphs.prepare([clips[row]])), [PROMPT], 0)
        single = TokenLoop(graphs.decoder, alone, drawing=False)
        single.put(alone.tokens)
        single.step()
        token, logprob = single.step()
        assert found[place] == token[0]
        assert logprobs[place] == pytest.approx(logprob[0], abs=1e-4)
        (attention,), (expected,) = loop.attention([place], [2]), single.attention([0], [2])
        assert attention.shape == (len(PROMPT) + 2, -(-len(clips[row].samples) // 320))
        np.testing.assert_allclose(attention, expected, atol=1e-3)


def test_clips_can_be_decoded_again(graphs: WhisperGraphs, started: Started) -> None:
    runs = []
    for _ in range(2):
        loop = TokenLoop(graphs.decoder, started, drawing=False)
        loop.put(started.tokens)
        runs.append([loop.step() for _ in range(70)])  # more than the buffers had places for
    for first, again in zip(*runs, strict=True):
        np.testing.assert_array_equal(first[0], again[0])
        np.testing.assert_array_equal(first[1], again[1])


def test_a_buffer_that_grows_changes_nothing(graphs: WhisperGraphs, started: Started) -> None:
    loop = TokenLoop(graphs.decoder, started, drawing=False)
    loop.put(started.tokens)
    tokens = [started.tokens[0], *(loop.step()[0][0] for _ in range(69))]
    long = graphs.decoder.read(started.clips, [[*PROMPT, *tokens] for _ in range(4)], 0)
    assert long.tokens[0] == loop.step()[0][0]


@pytest.mark.parametrize("kept", [[0, 1, 2, 3], [2, 1]])
def test_nothing_larger_than_the_tokens_crosses_in_the_loop(
    graphs: WhisperGraphs, started: Started, kept: list[int]
) -> None:
    device, steps = graphs.decoder.device, 20
    loop = TokenLoop(graphs.decoder, started, drawing=False)
    loop.put(started.tokens)
    put, fetched = device.put_bytes, device.fetched_bytes
    tokens, _ = loop.step()
    loop.keep(np.array(kept))
    loop.put(tokens[kept])
    for _ in range(steps - 1):
        loop.step()
    a_place, a_token, a_logprob = 8, 8, 4
    most = steps * 4 * (a_token + a_logprob)
    assert device.fetched_bytes - fetched <= most
    assert device.put_bytes - put <= steps * a_place + 3 * most


def test_a_graph_is_captured_once_and_feeds_no_token_twice(
    tmp_path: Path, clips: list[EncoderInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs, _ = load_random(SHAPE, WEIGHTS, tmp_path, fixed=True)
    run, runs = graphs.decoder.run, []

    def recorded(binding: object, graph: int = -1) -> None:
        runs.append(graph)
        run(binding, graph)

    monkeypatch.setattr(graphs.decoder, "run", recorded)

    def decode() -> list[list[int]]:
        started = graphs.decoder.read(
            graphs.encode(graphs.prepare(clips)), [PROMPT for _ in clips], 0
        )
        loop = TokenLoop(graphs.decoder, started, drawing=False)
        loop.put(started.tokens)
        return [loop.step()[0].tolist() for _ in range(3)]

    first = decode()
    assert runs == [-1, 1, 1, 1, 1]  # the prompt, the capture and three steps
    assert decode() == first
    assert runs[5:] == [-1, 1, 1, 1]
