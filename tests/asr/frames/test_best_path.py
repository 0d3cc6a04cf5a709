from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.asr.device_values import Device
from beam_audio.asr.frames.best_path import BestPath, runs
from beam_audio.asr.model_options import ModelOptions

CPU = "CPUExecutionProvider"


@pytest.mark.parametrize(("kind", "dtype"), [("float", np.float32), ("float16", np.float16)])
def test_the_likeliest_tokens_have_the_logs_of_their_probabilities(
    kind: str, dtype: type[np.floating]
) -> None:
    scores = (np.random.default_rng(0).normal(size=(3, 40, 50)) * 4).astype(dtype)
    device = Device(CPU)
    find = BestPath(f"tensor({kind})", device, ModelOptions(provider="cpu", threads=1))
    tokens, logprobs = find(device.put(scores))
    exact = scores.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(axis=2, keepdims=True))
    assert np.array_equal(tokens, scores.argmax(axis=2))
    assert logprobs == pytest.approx(exact.max(axis=2), abs=1e-5)


@given(st.lists(st.integers(0, 3), max_size=40))
def test_runs_of_a_path_collapse_as_ctc_defines(path: list[int]) -> None:
    logprobs = -np.arange(len(path), dtype=np.float32)
    found = list(runs(np.array(path, np.int64), logprobs, blank=0))
    collapsed = [
        token
        for frame, token in enumerate(path)
        if token and (frame == 0 or path[frame - 1] != token)
    ]
    assert [run.token for run in found] == collapsed
    assert all(set(path[run.start : run.stop]) == {run.token} for run in found)
    assert sum(run.stop - run.start for run in found) == sum(token != 0 for token in path)
    assert [run.logprob for run in found] == [-(run.start + run.stop - 1) / 2 for run in found]
