"""Clips that are decoded token by token, in buffers that stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.asr.whisper.fixed_memory import loop_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.whisper.decoder import Decoder, Started
    from beam_audio.asr.whisper.fixed_memory import FixedBatch


class TokenLoop:
    """Some clips whose prompts are read, and the tokens that were fed since.

    A loop writes over what an earlier one of the same clips wrote after the prompts.

    Args:
        decoder: The network.
        started: Clips whose prompts are read.
        drawing: Whether tokens are drawn from logits, instead of the likeliest being taken.
    """

    def __init__(self, decoder: Decoder, started: Started, *, drawing: bool) -> None:
        self._decoder = decoder
        self._device = decoder.device
        self._clips, self._buffers = started.clips, started.buffers
        self._context = started.context
        self._prompt = self._fed = started.length
        self._drawing = drawing
        self._at = np.arange(started.clips.rows)  # where each clip is in the batch
        self._bind()

    @property
    def rows(self) -> int:
        """Number of clips."""
        return len(self._at)

    def _bind(self) -> None:
        clips = self._clips
        loop = clips.batch.loop if clips.batch else loop_values(self._device, clips.size)
        self._tokens, self._logprobs, self._start = (
            loop[name] for name in ("tokens", "logprob", "start")
        )
        given = {"tokens": self._tokens, "start": self._start, **self._decoder.constants}
        self._binding = self._decoder.bind(clips.audio, self._buffers, given)
        if self._drawing:
            self._binding.bind_output("logits", self._device.name)
        else:
            # The likeliest token is the next one to be fed.
            self._binding.bind_ortvalue_output("token", self._tokens)
            self._binding.bind_ortvalue_output("logprob", self._logprobs)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with some of the clips; their next tokens must be put."""
        at = self._at[rows]
        if self._decoder.batches.is_smaller(self._clips, at):
            self._clips, self._buffers = self._decoder.batches.keep(self._clips, self._buffers, at)
            self._bind()
            at = np.arange(len(rows))
        self._at = at

    def put(self, tokens: NDArray[np.int64]) -> None:
        """Set the token that each clip is fed next, int64 (rows,)."""
        whole = np.zeros((self._clips.size, 1), np.int64)
        whole[self._at, 0] = tokens
        self._device.update(self._tokens, whole)

    def step(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Feed each clip its next token; the likeliest token after it becomes the next.

        Returns:
            These tokens, int64 (rows,), and their log probabilities, float32 (rows,).
        """
        self._run(self._clips.batch)
        tokens, logprobs = map(self._device.fetch, (self._tokens, self._logprobs))
        return tokens[self._at, 0], logprobs[self._at, 0]

    def logits(self) -> NDArray[np.float32]:
        """Feed each clip its next token; returns the logits after it, (rows, vocabulary)."""
        self._run(None)
        fetched = self._device.fetch(self._binding.get_outputs()[-1])
        logits: NDArray[np.float32] = fetched[self._at, 0]
        return logits

    def _run(self, captured: FixedBatch | None) -> None:
        self._make_room()
        self._device.update(self._start, np.array([self._fed]))
        if captured and captured.graph not in self._decoder.captured:
            self._decoder.captured.add(captured.graph)
            tokens = self._device.fetch(self._tokens)
            self._decoder.run(self._binding, captured.graph)
            self._device.update(self._tokens, tokens)  # they were fed several times
        self._decoder.run(self._binding, captured.graph if captured else -1)
        self._fed += 1

    def _make_room(self) -> None:
        buffers = self._decoder.batches.grown(self._buffers, self._fed)
        if buffers is not self._buffers:
            tokens = self._device.fetch(self._tokens)
            self._buffers = buffers
            self._bind()
            self._device.update(self._tokens, tokens)

    def attention(self, rows: Sequence[int], tokens: Sequence[int]) -> list[NDArray[np.float32]]:
        """How much more tokens attend to frames than others do, from the transcript's start on.

        Args:
            rows: Some of the clips.
            tokens: For each of these, the number of its tokens that were fed after the prompt.

        Returns:
            For each of these, float32 (prompt + tokens, frames of the clip).
        """
        places = [slice(self._context, self._prompt + count) for count in tokens]
        at = [int(self._at[row]) for row in rows]
        return self._decoder.attention.of_rows(self._clips, self._buffers, at, places)
