"""Greedy decoding of transducers, RNN-T and TDT, for a batch of clips at once.

RNN-T (Graves, 2012): each frame gives tokens until the blank, which moves on to the next frame.
TDT (Xu et al., 2023): the network also says by how many frames each token moves on. Every clip has
its own current frame; one call of the prediction and joint networks serves all clips that have
frames left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from beam_audio.asr.frames.ctc import log_softmax
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Emission:
    """One token of a transducer's output.

    Attributes:
        token: Its id; never the blank's.
        frame: The frame that gave it.
        frames: Number of frames it takes: for a TDT the network's, at least 1; for an RNN-T 1.
        logprob: Natural log of its probability among the tokens.
    """

    token: int
    frame: int
    frames: int
    logprob: float


class Joint(Protocol):
    """One step of the prediction and joint networks."""

    def __call__(
        self,
        frames: NDArray[np.float32],
        tokens: NDArray[np.int64],
        states: tuple[NDArray[np.float32], ...],
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Scores of the next token.

        Args:
            frames: float32 of shape (rows, width): the current frame of each row.
            tokens: int64 of shape (rows,): the previous token of each row.
            states: float32 each of shape (layers, rows, size).

        Returns:
            float32 of shape (rows, tokens + durations), and the states after the previous token.
        """


@dataclass(frozen=True, slots=True)
class TransducerRules:
    """What decoding needs to know of a model.

    Attributes:
        blank: The token without text; it is also the previous token at the start.
        vocabulary: Number of tokens, blank included; the scores after them are of durations.
        max_tokens_per_frame: After this many tokens on one frame, decoding moves on.
        has_durations: Whether it is a TDT; its n-th duration is n frames.
    """

    blank: int
    vocabulary: int
    max_tokens_per_frame: int
    has_durations: bool


class _Batch:
    """The progress of each clip: arrays with one entry per clip."""

    def __init__(
        self,
        encoded: Sequence[NDArray[np.float32]],
        rules: TransducerRules,
        states: tuple[NDArray[np.float32], ...],
    ) -> None:
        clips = len(encoded)
        self._encoded = encoded
        self._rules = rules
        self._lengths = np.array([len(frames) for frames in encoded])
        self._states = tuple(np.repeat(state, clips, axis=1) for state in states)
        self._before = np.full(clips, rules.blank, np.int64)
        self._frame = np.zeros(clips, np.int64)
        self._on_frame = np.zeros(clips, np.int64)  # tokens it has given
        self.emissions: list[list[Emission]] = [[] for _ in encoded]

    def running(self) -> NDArray[np.intp]:
        """Clips that have frames left."""
        return np.flatnonzero(self._frame < self._lengths)

    def ask(
        self, joint: Joint, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Scores and new states of some clips.

        Raises:
            ModelError: The number of scores does not fit the vocabulary.
        """
        frames = np.stack([self._encoded[row][self._frame[row]] for row in rows])
        states = tuple(state[:, rows] for state in self._states)
        scores, states = joint(frames, self._before[rows], states)
        durations = scores.shape[1] - self._rules.vocabulary
        if durations < 0 or (durations > 0) != self._rules.has_durations:
            raise ModelError(
                f"the joint network gives {scores.shape[1]} scores for {self._rules.vocabulary} "
                "tokens: it is of another kind, or the vocabulary of another model"
            )
        return scores, states

    def take(
        self,
        rows: NDArray[np.intp],
        scores: NDArray[np.float32],
        states: tuple[NDArray[np.float32], ...],
    ) -> None:
        """Take the likeliest token of each of these clips, and move on."""
        rules = self._rules
        tokens = scores[:, : rules.vocabulary]
        chosen = tokens.argmax(axis=1)
        skips = np.zeros_like(chosen)
        if rules.has_durations:
            skips = scores[:, rules.vocabulary :].argmax(axis=1)
        spoken = np.flatnonzero(chosen != rules.blank)
        logprobs = log_softmax(tokens[spoken])
        for index, distribution in zip(spoken, logprobs, strict=True):
            token, row = int(chosen[index]), rows[index]
            self.emissions[row].append(
                Emission(
                    token,
                    int(self._frame[row]),
                    max(int(skips[index]), 1),
                    float(distribution[token]),
                )
            )
        given = rows[spoken]
        self._before[given] = chosen[spoken]
        for mine, new in zip(self._states, states, strict=True):
            mine[:, given] = new[:, spoken]
        self._on_frame[given] += 1
        done = (chosen == rules.blank) | (self._on_frame[rows] >= rules.max_tokens_per_frame)
        steps = np.where(skips > 0, skips, done)
        self._frame[rows] += steps
        self._on_frame[rows[steps > 0]] = 0


def decode_greedily(
    encoded: Sequence[NDArray[np.float32]],
    joint: Joint,
    rules: TransducerRules,
    states: tuple[NDArray[np.float32], ...],
    rows_at_once: int | None = None,
) -> list[list[Emission]]:
    """Decode clips together; the result of one does not depend on the others.

    Args:
        encoded: For each clip float32 of shape (frames, width), without frames of padding.
        joint: The networks.
        rules: How their output is read.
        states: The initial states, each of shape (layers, 1, size).
        rows_at_once: Most rows per call of ``joint``; None is any number.

    Returns:
        The tokens of each clip, in order.
    """
    batch = _Batch(encoded, rules, states)
    while len(rows := batch.running()):
        part = rows[:rows_at_once]
        batch.take(part, *batch.ask(joint, part))
    return batch.emissions
