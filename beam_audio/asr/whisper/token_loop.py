"""Clips that are decoded token by token, in buffers that stay where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.asr.whisper.decoder import Decoder, Started


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
        self._bind()

    @property
    def rows(self) -> int:
        """Number of clips."""
        return self._clips.rows

    def _bind(self) -> None:
        self._start = self._device.put(np.zeros(1, np.int64))
        self._tokens = self._device.put(np.zeros((self.rows, 1), np.int64))
        self._logprobs = self._device.put(np.zeros((self.rows, 1), np.float32))
        given = {"tokens": self._tokens, "start": self._start, **self._decoder.constants}
        self._binding = self._decoder.bind(self._clips.audio, self._buffers, given)
        if self._drawing:
            self._binding.bind_output("logits", self._device.name)
        else:
            # The likeliest token is the next one to be fed.
            self._binding.bind_ortvalue_output("token", self._tokens)
            self._binding.bind_ortvalue_output("logprob", self._logprobs)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with some of the clips; their next tokens must be put."""
        if not np.array_equal(rows, np.arange(self.rows)):
            self._clips, self._buffers = self._decoder.keep(self._clips, self._buffers, rows)
            self._bind()

    def put(self, tokens: NDArray[np.int64]) -> None:
        """Set the token that each clip is fed next, int64 (rows,)."""
        self._device.update(self._tokens, tokens[:, None])

    def step(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Feed each clip its next token; the likeliest token after it becomes the next.

        Returns:
            These tokens, int64 (rows,), and their log probabilities, float32 (rows,).
        """
        self._run()
        tokens, logprobs = map(self._device.fetch, (self._tokens, self._logprobs))
        return tokens[:, 0], logprobs[:, 0]

    def logits(self) -> NDArray[np.float32]:
        """Feed each clip its next token; returns the logits after it, (rows, vocabulary)."""
        self._run()
        logits: NDArray[np.float32] = self._device.fetch(self._binding.get_outputs()[-1])[:, 0]
        return logits

    def _run(self) -> None:
        buffers = self._decoder.grown(self._buffers, self._fed)
        if buffers is not self._buffers:
            next_tokens = self._device.fetch(self._tokens)
            self._buffers = buffers
            self._bind()
            self._device.update(self._tokens, next_tokens)
        self._device.update(self._start, np.array([self._fed]))
        self._decoder.step.run_with_iobinding(self._binding)
        self._fed += 1

    def scores(self, row: int, tokens: int) -> NDArray[np.float32]:
        """How the heads that follow time attended from the start of the transcript on.

        Args:
            row: A clip.
            tokens: Number of its tokens that were fed after the prompt.

        Returns:
            float32 (alignment heads, prompt + tokens, n): scores of the clip's n audio positions.
        """
        places = slice(self._context, self._prompt + tokens)
        return self._decoder.scores(self._clips, self._buffers, row, places)
