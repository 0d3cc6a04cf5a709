"""The two ONNX graphs of a built Whisper; large tensors stay on their device between calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.asr.session import make_session
from beam_audio.asr.whisper.encoder import HIDDEN, Encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.padding import EncoderInput
    from beam_audio.models.whisper.config import WhisperDimensions


@dataclass(frozen=True, slots=True, eq=False)
class DecoderState:
    """The decoder's state for a batch of clips, as ONNX Runtime values.

    Attributes:
        contents: For each clip, the number of audio positions that cover the clip itself.
        positions: For each clip, its number of audio positions, silence included. The tensors have
            the largest of these numbers.
        audio: Keys and values of the audio, and the weights of its positions, by input name.
        past: Keys and values of the tokens so far, by input name.
    """

    contents: tuple[int, ...]
    positions: tuple[int, ...]
    audio: dict[str, Any]
    past: dict[str, Any]

    @property
    def rows(self) -> int:
        """Number of clips."""
        return len(self.contents)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The result of a decoder step.

    Attributes:
        logits: float32 (rows, positions asked for, vocabulary).
        alignment: float32 (rows, alignment heads, tokens fed, audio positions): the scores, before
            any softmax, of the heads that follow time.
        state: The state after the tokens fed.
    """

    logits: NDArray[np.float32]
    alignment: NDArray[np.float32]
    state: DecoderState


class WhisperGraphs:
    """Sessions of ``encoder.onnx`` and ``decoder.onnx``.

    Args:
        directory: Where the two files are.
        dimensions: Sizes of the network.
        options: Provider and threads.
    """

    def __init__(
        self,
        directory: Path,
        dimensions: WhisperDimensions,
        options: ModelOptions,
    ) -> None:
        self._encoder = Encoder(directory / "encoder.onnx", options)
        self._decoder = make_session(directory / "decoder.onnx", options)
        self.provider: str = self._encoder.provider
        self._device = self._encoder.device
        self._dimensions = dimensions
        outputs = [output.name for output in self._decoder.get_outputs()]
        self._come_names = ("logits", "alignment")
        self._present_names = [name for name in outputs if name not in self._come_names]
        kinds = {entry.name: entry.type for entry in self._decoder.get_inputs()}
        self._dtype = np.float16 if kinds["past_key_0"] == "tensor(float16)" else np.float32

    def encode(self, clips: Sequence[EncoderInput]) -> DecoderState:
        """Encode clips into a state without tokens."""
        audio = self._encoder.encode(clips)
        contents = tuple(clip.content for clip in clips)
        positions = tuple(clip.positions for clip in clips)
        return DecoderState(contents, positions, audio, self._no_tokens(len(clips)))

    def _no_tokens(self, rows: int) -> dict[str, Any]:
        heads = self._dimensions.decoder_heads
        size = self._dimensions.width // heads
        shapes = {"key": (rows, heads, size, 0), "value": (rows, heads, 0, size)}
        return {
            f"past_{kind}_{layer}": self._device.put(np.zeros(shape, self._dtype))
            for layer in range(self._dimensions.decoder_layers)
            for kind, shape in shapes.items()
        }

    def step(
        self, state: DecoderState, tokens: NDArray[np.int64], positions: Sequence[int]
    ) -> Step:
        """Feed tokens.

        Args:
            state: The clips and their tokens so far; it stays usable.
            tokens: int64 of shape (rows, t).
            positions: Those of the t positions to compute logits for.
        """
        feed = {
            "tokens": self._device.put(np.ascontiguousarray(tokens)),
            "positions": self._device.put(np.array(positions, np.int64)),
            **state.past,
            **state.audio,
        }
        outputs = self._device.run(self._decoder, feed, self._present_names, self._come_names)
        logits, alignment = (outputs.pop(name).numpy() for name in self._come_names)
        past = {name.replace("present", "past"): value for name, value in outputs.items()}
        return Step(logits, alignment, replace(state, past=past))

    def attend(self, state: DecoderState, spans: Sequence[slice | None]) -> DecoderState:
        """The state with all audio positions of a clip hidden, except those of its span."""
        weights = state.audio["log_members"].numpy().copy()
        for row, span in zip(weights, spans, strict=True):
            if span is not None:
                row[: span.start] = row[span.stop :] = HIDDEN
        return replace(state, audio={**state.audio, "log_members": self._device.put(weights)})

    def keep_rows(self, state: DecoderState, rows: NDArray[np.intp]) -> DecoderState:
        """The state of some of the clips only."""
        contents, positions = (
            tuple(counts[row] for row in rows) for counts in (state.contents, state.positions)
        )
        longest = max(positions)
        # Positions first, then rows: positions that are cut off are then not copied.
        audio = {
            name: self._device.put(_first_positions(name, value.numpy(), longest)[rows])
            for name, value in state.audio.items()
        }
        past = {name: self._device.put(value.numpy()[rows]) for name, value in state.past.items()}
        return DecoderState(contents, positions, audio, past)


def _first_positions(name: str, array: NDArray[Any], positions: int) -> NDArray[Any]:
    """The first audio positions of a decoder input."""
    return array[:, :, :positions] if name.startswith("cross_value") else array[..., :positions]
