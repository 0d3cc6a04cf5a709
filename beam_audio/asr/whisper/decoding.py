"""Decoding a batch of clips token by token; each clip is independent of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.whisper.safeguards import TEMPERATURES, draw, draw_noise
from beam_audio.asr.whisper.token_loop import TokenLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.whisper.decoder import Decoder, Started
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
        attention: float32 (prompt + tokens, frames): how much more each token that was fed, from
            the start of the transcript on, attends to each frame of the clip than others do.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    no_speech_prob: float
    temperature: float
    attention: NDArray[np.float32]

    @property
    def avg_logprob(self) -> float:
        """Mean over the tokens and the end token."""
        return sum(self.logprobs) / (len(self.tokens) + 1)


@dataclass(slots=True)
class _Row:
    """The tokens of one clip so far, and its attention once it is at its end."""

    seed: int
    no_speech_prob: float
    attention: NDArray[np.float32] | None = None
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

    def decoded(self, temperature: float) -> Decoded:
        if self.attention is None:
            raise AssertionError
        return Decoded(
            tokens=tuple(self.tokens),
            logprobs=tuple(self.logprobs),
            no_speech_prob=self.no_speech_prob,
            temperature=temperature,
            attention=self.attention,
        )


class Decoding:
    """Clips whose audio is encoded and whose prompt is read; they can be decoded repeatedly.

    Args:
        decoder: The network.
        config: Tokens and sizes of the network.
        started: The clips.
    """

    def __init__(self, decoder: Decoder, config: WhisperConfig, started: Started) -> None:
        self._decoder = decoder
        self._end = config.tokens.end
        self._started = started
        room = config.dimensions.text_positions
        self._most_tokens = min(room // 2, room - started.length)

    @property
    def rows(self) -> int:
        """Number of clips."""
        return self._started.clips.rows

    def run(self, rows: Sequence[int], temperature: float, seeds: Sequence[int]) -> list[Decoded]:
        """Decode some of the clips until each ends or reaches half the model's longest text.

        Args:
            rows: Indices of the clips.
            temperature: At 0 the likeliest token is taken; above 0 tokens are drawn at random.
            seeds: Seed of the draws for each of these clips.
        """
        begun = [
            _Row(seed, float(self._started.no_speech_probs[row]))
            for row, seed in zip(rows, seeds, strict=True)
        ]
        loop = TokenLoop(self._decoder, self._started, drawing=temperature > 0)
        loop.keep(np.array(rows))
        running = list(begun)
        chosen, logprobs = self._first(rows, running, temperature)
        loop.put(chosen)
        for count in range(1, self._most_tokens + 1):
            for row, token, logprob in zip(running, chosen, logprobs, strict=True):
                row.take(int(token), float(logprob), self._end)
            going = np.flatnonzero([not row.ended for row in running])
            if not len(going):
                break
            if len(going) <= _COMPACT_BELOW * len(running):
                _look(loop, running, only_ended=True)
                loop.keep(going)
                running = [running[row] for row in going]
                loop.put(chosen[going])
            chosen, logprobs = self._next(loop, running, temperature, count)
        _look(loop, running, only_ended=False)
        return [row.decoded(temperature) for row in begun]

    def _first(
        self, rows: Sequence[int], running: Sequence[_Row], temperature: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The first token of each clip, and its log probability."""
        which = list(rows)
        if not temperature:
            return self._started.tokens[which], self._started.logprobs[which]
        logits = self._decoder.device.fetch(self._started.logits)[which, 1]
        return _drawn(logits, running, temperature, 0)

    def _next(
        self, loop: TokenLoop, running: Sequence[_Row], temperature: float, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if not temperature:
            return loop.step()
        chosen, logprobs = _drawn(loop.logits(), running, temperature, count)
        loop.put(chosen)
        return chosen, logprobs


def _look(loop: TokenLoop, running: Sequence[_Row], *, only_ended: bool) -> None:
    """Fetch the attention of rows before they leave the loop."""
    places = [place for place, row in enumerate(running) if row.ended or not only_ended]
    counts = [len(running[place].tokens) for place in places]
    for place, attention in zip(places, loop.attention(places, counts), strict=True):
        running[place].attention = attention


def _drawn(
    logits: NDArray[np.float32], rows: Sequence[_Row], temperature: float, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """A token of each row, of which it has ``count``, and its log probability."""
    vocabulary = logits.shape[1]
    noise = [draw_noise(row.seed, temperature, count, vocabulary) for row in rows]
    return draw(logits, temperature, np.stack(noise))


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
