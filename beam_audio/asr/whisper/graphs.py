"""The two ONNX graphs of a built Whisper; large tensors stay on their device between calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from beam_audio.asr.session import CPU, make_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.padding import EncoderInput
    from beam_audio.models.whisper.config import WhisperDimensions

ScalarT = TypeVar("ScalarT", bound=np.generic)

_HIDDEN = -1e4  # hides a position that a row of a batch does not have, in float16 too
_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


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
        from onnxruntime import OrtValue  # noqa: PLC0415 (optional, comes with an extra)

        self._value = OrtValue
        self._encoder, self._decoder = (
            make_session(directory / file, options) for file in ("encoder.onnx", "decoder.onnx")
        )
        self.provider: str = self._encoder.get_providers()[0]
        self._device = _DEVICES.get(self.provider, "cpu")
        self._dimensions = dimensions
        self._cross_names = [output.name for output in self._encoder.get_outputs()]
        outputs = [output.name for output in self._decoder.get_outputs()]
        self._come_names = ("logits", "alignment")
        self._present_names = [name for name in outputs if name not in self._come_names]
        kinds = {entry.name: entry.type for entry in self._decoder.get_inputs()}
        self._dtype = np.float16 if kinds["past_key_0"] == "tensor(float16)" else np.float32

    def encode(self, clips: Sequence[EncoderInput]) -> DecoderState:
        """Encode clips into a state without tokens."""
        # A CPU gains nothing from a batch here, and one clip at a time needs the least memory.
        parts = [clips] if self.provider != CPU else [[clip] for clip in clips]
        encoded = [self._encode(part) for part in parts]
        positions = tuple(clip.positions for clip in clips)
        audio = encoded[0] if len(parts) == 1 else self._join(encoded, max(positions))
        audio["log_members"] = self._put(_stack([clip.log_members for clip in clips], _HIDDEN))
        contents = tuple(clip.content for clip in clips)
        return DecoderState(contents, positions, audio, self._no_tokens(len(clips)))

    def _encode(self, clips: Sequence[EncoderInput]) -> dict[str, Any]:
        """Keys and values of clips, with the number of positions of the longest."""
        feed: dict[str, NDArray[Any]] = {
            "log_mel": _stack_features([clip.log_mel for clip in clips]),
            "source": _stack(_sources(clips), 0),
            "place": _stack([clip.place for clip in clips], 0),
            "log_members": _stack([clip.log_members for clip in clips], _HIDDEN),
        }
        values = {name: self._put(array) for name, array in feed.items()}
        return self._run(self._encoder, values, self._cross_names)

    def _join(self, encoded: list[dict[str, Any]], positions: int) -> dict[str, Any]:
        """One batch from clips that were encoded one by one."""
        joined = {}
        for name in self._cross_names:
            rows = [clip.pop(name).numpy() for clip in encoded]
            size = (len(rows), *rows[0].shape[1:3], positions)
            if name.startswith("cross_value"):
                size = (len(rows), rows[0].shape[1], positions, rows[0].shape[3])
            array = np.empty(size, self._dtype)
            for row, clip in zip(array, rows, strict=True):
                row[:, : clip.shape[2], : clip.shape[3]] = clip[0]
                row[:, clip.shape[2] :] = row[:, :, clip.shape[3] :] = 0
            joined[name] = self._put(array)
        return joined

    def _no_tokens(self, rows: int) -> dict[str, Any]:
        heads = self._dimensions.decoder_heads
        size = self._dimensions.width // heads
        shapes = {"key": (rows, heads, size, 0), "value": (rows, heads, 0, size)}
        return {
            f"past_{kind}_{layer}": self._put(np.zeros(shape, self._dtype))
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
            "tokens": self._put(np.ascontiguousarray(tokens)),
            "positions": self._put(np.array(positions, np.int64)),
            **state.past,
            **state.audio,
        }
        outputs = self._run(self._decoder, feed, self._present_names, self._come_names)
        logits, alignment = (outputs.pop(name).numpy() for name in self._come_names)
        past = {name.replace("present", "past"): value for name, value in outputs.items()}
        return Step(logits, alignment, replace(state, past=past))

    def attend(self, state: DecoderState, spans: Sequence[slice | None]) -> DecoderState:
        """The state with all audio positions of a clip hidden, except those of its span."""
        weights = state.audio["log_members"].numpy().copy()
        for row, span in zip(weights, spans, strict=True):
            if span is not None:
                row[: span.start] = row[span.stop :] = _HIDDEN
        return replace(state, audio={**state.audio, "log_members": self._put(weights)})

    def keep_rows(self, state: DecoderState, rows: NDArray[np.intp]) -> DecoderState:
        """The state of some of the clips only."""
        contents, positions = (
            tuple(counts[row] for row in rows) for counts in (state.contents, state.positions)
        )
        longest = max(positions)
        # Positions first, then rows: positions that are cut off are then not copied.
        audio = {
            name: self._put(_first_positions(name, value.numpy(), longest)[rows])
            for name, value in state.audio.items()
        }
        past = {name: self._put(value.numpy()[rows]) for name, value in state.past.items()}
        return DecoderState(contents, positions, audio, past)

    def _put(self, array: NDArray[Any]) -> Any:  # noqa: ANN401 (the library has no types)
        return self._value.ortvalue_from_numpy(array, self._device, 0)

    def _run(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        feed: dict[str, Any],
        stay: Sequence[str],
        come: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Outputs by name: those in ``stay`` on the device, those in ``come`` in main memory."""
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for name in stay:
            binding.bind_output(name, self._device)
        for name in come:
            binding.bind_output(name, "cpu")
        session.run_with_iobinding(binding)
        return dict(zip((*stay, *come), binding.get_outputs(), strict=True))


def _stack(rows: Sequence[NDArray[ScalarT]], filling: float) -> NDArray[ScalarT]:
    """Vectors of unequal length as rows of one array."""
    longest = max(map(len, rows))
    return np.stack([np.pad(row, (0, longest - len(row)), constant_values=filling) for row in rows])


def _sources(clips: Sequence[EncoderInput]) -> list[NDArray[np.int64]]:
    """Source indices for features that are all padded to the length of the longest."""
    computed = max(int(clip.source[-1]) for clip in clips)
    return [np.append(clip.source[:-1], computed) for clip in clips]


def _stack_features(features: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Features of unequal length as one array; the silence at the end of each is repeated."""
    frames = max(each.shape[1] for each in features)
    return np.stack(
        [np.pad(each, ((0, 0), (0, frames - each.shape[1])), mode="edge") for each in features]
    )


def _first_positions(name: str, array: NDArray[Any], positions: int) -> NDArray[Any]:
    """The first audio positions of a decoder input."""
    return array[:, :, :positions] if name.startswith("cross_value") else array[..., :positions]
