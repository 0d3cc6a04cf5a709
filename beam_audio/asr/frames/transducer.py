"""Greedy decoding of transducers, RNN-T and TDT, for a batch of clips at once.

RNN-T (Graves, 2012): on each frame tokens are taken until the blank comes, which moves on by one
frame. TDT (Xu et al., 2023): the network also tells by how many frames each token moves on. Every
clip stands at a frame of its own; one call of the prediction and joint network serves all that have
not come to their end.
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
    """A token a transducer gave.

    Attributes:
        token: Its id; never the blank's.
        frame: Frame it was given on.
        frames: How many frames it takes: what a TDT says, at least 1; 1 of an RNN-T.
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
        """Scores of what comes next.

        Args:
            frames: float32 of shape (rows, width): the encoder's frame of each row.
            tokens: int64 of shape (rows,): token before.
            states: float32 each of shape (layers, rows, size).

        Returns:
            float32 of shape (rows, tokens + durations), and the states with the token heard.
        """


@dataclass(frozen=True, slots=True)
class TransducerRules:
    """What decoding must know of a model.

    Attributes:
        blank: Token that gives nothing; also what comes before the first token.
        vocabulary: Number of tokens, blank included; scores after them are of durations.
        max_tokens_per_frame: After so many tokens on one frame the next frame is taken.
        has_durations: Whether it is a TDT; its n-th duration is n frames.
    """

    blank: int
    vocabulary: int
    max_tokens_per_frame: int
    has_durations: bool


class _Batch:
    """Where each clip stands: arrays of one entry a clip."""

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
        self._on_frame = np.zeros(clips, np.int64)  # tokens given on it
        self.emissions: list[list[Emission]] = [[] for _ in encoded]

    def running(self) -> NDArray[np.intp]:
        """Clips that have frames left."""
        return np.flatnonzero(self._frame < self._lengths)

    def ask(
        self, joint: Joint, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Scores and new states of some clips.

        Raises:
            ModelError: The scores are not of these tokens.
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
    """Decode clips together; what one gives does not depend on the others.

    Args:
        encoded: For each clip float32 of shape (frames, width); frames of padding left out.
        joint: The networks.
        rules: How they are to be read.
        states: The states before anything is heard, each of shape (layers, 1, size).
        rows_at_once: Most rows a call of ``joint`` may have; None is any number.

    Returns:
        The tokens of each clip, in order.
    """
    batch = _Batch(encoded, rules, states)
    while len(rows := batch.running()):
        part = rows[:rows_at_once]
        batch.take(part, *batch.ask(joint, part))
    return batch.emissions
