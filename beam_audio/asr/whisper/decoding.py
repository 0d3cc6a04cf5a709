"""Decoding a batch of clips token by token; each clip is independent of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.whisper.safeguards import TEMPERATURES, choose, draw_noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.whisper.graphs import DecoderState, WhisperGraphs
    from beam_audio.asr.whisper.safeguards import Attempt
    from beam_audio.models.whisper.config import WhisperConfig

_COMPACT_BELOW: Final = (
    0.5  # finished rows are taken out when the share of running rows falls to this
)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One decoding of one clip.

    Attributes:
        tokens: The tokens, without prompt and end token.
        logprobs: Natural log of the probability of each token, and of the end token if it came.
        no_speech_prob: Probability of silence, at the start of the transcript.
        temperature: Temperature at which the tokens were drawn.
        scores: float32 (alignment heads, prompt + tokens, n): scores of the clip's n audio
            positions for each token that was fed, from the start of the transcript on.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    no_speech_prob: float
    temperature: float
    scores: NDArray[np.float32]

    @property
    def avg_logprob(self) -> float:
        """Mean over the tokens and the end token."""
        return sum(self.logprobs) / (len(self.tokens) + 1)


@dataclass(slots=True)
class _Row:
    """The tokens of one clip so far; ``content`` is its number of audio positions."""

    seed: int
    content: int
    no_speech_prob: float
    scores: list[NDArray[np.float32]]
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False

    def take(self, token: int, logprob: float, end: int) -> None:
        if self.ended:
            return
        self.logprobs.append(logprob)
        self.ended = token == end
        if not self.ended:
            self.tokens.append(token)

    def look(self, scores: NDArray[np.float32]) -> None:
        """Keep the scores of the last token: (alignment heads, 1, audio positions)."""
        if not self.ended:
            self.scores.append(scores[:, :, : self.content].copy())

    def decoded(self, temperature: float) -> Decoded:
        return Decoded(
            tokens=tuple(self.tokens),
            logprobs=tuple(self.logprobs),
            no_speech_prob=self.no_speech_prob,
            temperature=temperature,
            scores=np.concatenate(self.scores, axis=1),
        )


class Decoding:
    """Clips whose audio is encoded and whose prompt is read; they can be decoded repeatedly.

    Args:
        graphs: The network.
        config: Tokens and sizes of the network.
        state: The encoded clips.
        prompts: Tokens each clip begins with, all of one length.
        context: Number of prompt tokens before the start of the transcript.
    """

    def __init__(
        self,
        graphs: WhisperGraphs,
        config: WhisperConfig,
        state: DecoderState,
        prompts: Sequence[Sequence[int]],
        context: int,
    ) -> None:
        self._graphs = graphs
        self._tokens = config.tokens
        self._context = context
        length, room = len(prompts[0]), config.dimensions.text_positions
        self._most_tokens = min(room // 2, room - length)
        self._started = graphs.step(state, np.array(prompts, np.int64), [context, length - 1])

    @property
    def rows(self) -> int:
        """Number of clips."""
        return self._started.state.rows

    def run(self, rows: Sequence[int], temperature: float, seeds: Sequence[int]) -> list[Decoded]:
        """Decode some of the clips until each ends or reaches half the model's longest text.

        Args:
            rows: Indices of the clips.
            temperature: At 0 the likeliest token is taken; above 0 tokens are drawn at random.
            seeds: Seed of the draws for each of these clips.
        """
        running = [self._begin(row, seed) for row, seed in zip(rows, seeds, strict=True)]
        begun = list(running)
        state, following = self._started.state, self._started.logits[list(rows), 1]
        if len(rows) < self.rows:
            state = self._graphs.keep_rows(state, np.array(rows))
        hidden = [*self._tokens.suppress, *self._tokens.suppress_first]
        for count in range(self._most_tokens):
            following[:, hidden] = -np.inf
            noise = _noise(running, temperature, count, following.shape[1])
            chosen, logprobs = choose(following, temperature, noise)
            for row, token, logprob in zip(running, chosen, logprobs, strict=True):
                row.take(int(token), float(logprob), self._tokens.end)
            going = np.flatnonzero([not row.ended for row in running])
            if not len(going):
                break
            if len(going) <= _COMPACT_BELOW * len(running):
                state = self._graphs.keep_rows(state, going)
                running, chosen = [running[row] for row in going], chosen[going]
            step = self._graphs.step(state, chosen[:, None], [0])
            state, following, hidden = step.state, step.logits[:, 0], [*self._tokens.suppress]
            for row, scores in zip(running, step.alignment, strict=True):
                row.look(scores)
        return [row.decoded(temperature) for row in begun]

    def _begin(self, row: int, seed: int) -> _Row:
        logits = self._started.logits[row, 0]
        powers = np.exp(logits - logits.max())
        content = self._started.state.contents[row]
        scores = self._started.alignment[row, :, self._context :, :content]
        no_speech = powers[self._tokens.no_speech] / powers.sum()
        return _Row(seed, content, float(no_speech), [scores])


def decode_safely(
    decoding: Decoding,
    seeds: Sequence[int],
    judge: Callable[[int, Decoded], Attempt],
    again: Sequence[bool],
) -> list[tuple[Decoded, Attempt]]:
    """Decode clips at temperature 0, then those that need it at higher ones, all together.

    Args:
        decoding: The clips.
        seeds: Seed of the draws for each clip.
        judge: Turns a row and its decoding into an attempt.
        again: Whether each clip may be decoded more than once.

    Returns:
        The first safe attempt of each clip, or else its best.
    """
    best: dict[int, tuple[Decoded, Attempt]] = {}
    pending = list(range(decoding.rows))
    for temperature in TEMPERATURES:
        found = decoding.run(pending, temperature, [seeds[row] for row in pending])
        for row, decoded in zip(pending, found, strict=True):
            attempt = judge(row, decoded)
            if row not in best or attempt.is_safe or attempt.merit > best[row][1].merit:
                best[row] = decoded, attempt
        pending = [row for row in pending if again[row] and not best[row][1].is_safe]
        if not pending:
            break
    return [best[row] for row in range(decoding.rows)]


def _noise(
    rows: Sequence[_Row], temperature: float, count: int, vocabulary: int
) -> NDArray[np.float64] | None:
    if not temperature:
        return None
    return np.stack([draw_noise(row.seed, temperature, count, vocabulary) for row in rows])
