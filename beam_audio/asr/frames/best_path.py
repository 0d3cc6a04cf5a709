"""The best path through the scores of a CTC network (Graves et al., 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.asr.session import make_session
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beam_audio.asr.device_values import Device
    from beam_audio.asr.model_options import ModelOptions


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames on which one token is the likeliest.

    Attributes:
        token: Its id; never the blank's.
        start: First frame.
        stop: The frame after the last.
        logprob: Natural log of its probability, averaged over the frames.
    """

    token: int
    start: int
    stop: int
    logprob: float


class BestPath:
    """Finds the likeliest token of each frame where the network left its scores.

    Args:
        kind: Number type of the scores, as ONNX Runtime names it: ``tensor(float)``.
        device: The memory that holds them.
        options: Provider and threads.
    """

    def __init__(self, kind: str, device: Device, options: ModelOptions) -> None:
        self._device = device
        self._session = make_session(_likeliest(half=kind == "tensor(float16)"), options)

    def __call__(self, scores: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:  # noqa: ANN401 (the library has no types)
        """Likeliest tokens and natural logs of their probabilities, each (clips, frames).

        Args:
            scores: A value (clips, frames, vocabulary): logits, or logs of probabilities.
        """
        found = self._device.run(self._session, {"scores": scores}, ("token", "logprob"))
        return self._device.fetch(found["token"]), self._device.fetch(found["logprob"])


def _likeliest(*, half: bool) -> bytes:
    """The graph from scores to tokens; on CUDA, ``ArgMax`` and ``ReduceLogSumExp`` are slow."""
    graph = GraphWriter("likeliest")
    scores = graph.input("scores", "float16" if half else "float", ("b", "t", "v"))
    logprobs = graph.node("LogSoftmax", graph.cast(scores, "float"), axis=-1)
    graph.nodes("TopK", logprobs, graph.integers(1), to=("values", "numbers"), axis=-1)
    last = graph.integers(2)
    graph.node("Squeeze", "values", last, to="logprob")
    graph.node("Squeeze", "numbers", last, to="token")
    graph.output("token", "int64", ("b", "t"))
    graph.output("logprob", "float", ("b", "t"))
    return graph.model_bytes()


def runs(tokens: NDArray[np.int64], logprobs: NDArray[np.float32], blank: int) -> Iterator[Run]:
    """Collapse a path: repeats are one token, blanks are none.

    Args:
        tokens: int64 (frames,): the likeliest token of each frame.
        logprobs: float32 (frames,): natural log of its probability.
        blank: The token that separates others.
    """
    if not len(tokens):
        return
    starts = np.concatenate([[0], np.flatnonzero(np.diff(tokens)) + 1])
    stops = np.append(starts[1:], len(tokens))
    means = np.add.reduceat(logprobs, starts, dtype=np.float64) / (stops - starts)
    columns = (column.tolist() for column in (tokens[starts], starts, stops, means))
    yield from (Run(*values) for values in zip(*columns, strict=True) if values[0] != blank)
