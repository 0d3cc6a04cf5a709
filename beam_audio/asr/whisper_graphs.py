"""The two ONNX graphs of a built Whisper, run so that large tensors stay on their device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.asr.session import CPU, make_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.models.whisper_config import WhisperDimensions

_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


@dataclass(frozen=True, slots=True, eq=False)
class DecoderState:
    """What the decoder carries from step to step for a batch of clips, as ONNX Runtime values.

    Attributes:
        rows: Number of clips.
        cross: Keys and values of the audio, by input name.
        past: Keys and values of the tokens so far, by input name.
    """

    rows: int
    cross: dict[str, Any]
    past: dict[str, Any]


class WhisperGraphs:
    """Sessions of ``encoder.onnx`` and ``decoder.onnx``.

    Args:
        directory: Where the two files are.
        dimensions: Sizes of the network.
        provider: As for ``make_session``, as are the rest.
        require_provider: Whether falling back to another provider is an error.
        threads: Threads inside an operator.
    """

    def __init__(
        self,
        directory: Path,
        dimensions: WhisperDimensions,
        *,
        provider: str,
        require_provider: bool,
        threads: int | None,
    ) -> None:
        from onnxruntime import OrtValue  # noqa: PLC0415 (optional, comes with an extra)

        self._value = OrtValue
        self._encoder, self._decoder = (
            make_session(
                directory / file,
                provider=provider,
                require_provider=require_provider,
                threads=threads,
            )
            for file in ("encoder.onnx", "decoder.onnx")
        )
        self.provider: str = self._encoder.get_providers()[0]
        self._device = _DEVICES.get(self.provider, "cpu")
        self._dimensions = dimensions
        self._cross_names = [output.name for output in self._encoder.get_outputs()]
        outputs = [output.name for output in self._decoder.get_outputs()]
        self._present_names = [name for name in outputs if name != "logits"]

    def encode(self, features: Sequence[NDArray[np.float32]]) -> DecoderState:
        """Encode clips, each float32 (bands, 3000), into a state without tokens."""
        # A CPU gains nothing from a batch here, and one clip at a time needs the least memory.
        if self.provider != CPU or len(features) == 1:
            return self._fresh(len(features), self._cross(np.stack(features)))
        joined: dict[str, NDArray[np.float32]] = {}
        for row, clip in enumerate(features):
            for name, value in self._cross(clip[np.newaxis]).items():
                if not row:
                    joined[name] = np.empty((len(features), *value.shape()[1:]), np.float32)
                joined[name][row] = value.numpy()[0]
        return self._fresh(
            len(features), {name: self._put(array) for name, array in joined.items()}
        )

    def _cross(self, log_mel: NDArray[np.float32]) -> dict[str, Any]:
        return self._run(self._encoder, {"log_mel": self._put(log_mel)}, self._cross_names)

    def _fresh(self, rows: int, cross: dict[str, Any]) -> DecoderState:
        heads = self._dimensions.decoder_heads
        size = self._dimensions.width // heads
        shapes = {"key": (rows, heads, size, 0), "value": (rows, heads, 0, size)}
        past = {
            f"past_{kind}_{layer}": self._put(np.zeros(shape, np.float32))
            for layer in range(self._dimensions.decoder_layers)
            for kind, shape in shapes.items()
        }
        return DecoderState(rows, cross, past)

    def step(
        self, state: DecoderState, tokens: NDArray[np.int64], positions: Sequence[int]
    ) -> tuple[NDArray[np.float32], DecoderState]:
        """Feed tokens.

        Args:
            state: The clips and their tokens so far; it stays usable.
            tokens: int64 of shape (rows, t).
            positions: Which of the t positions to give logits for.

        Returns:
            Logits, float32 of shape (rows, len(positions), vocabulary), and the state after.
        """
        feed = {
            "tokens": self._put(np.ascontiguousarray(tokens)),
            "positions": self._put(np.array(positions, np.int64)),
            **state.past,
            **state.cross,
        }
        outputs = self._run(self._decoder, feed, self._present_names, ("logits",))
        logits: NDArray[np.float32] = outputs.pop("logits").numpy()
        past = {name.replace("present", "past"): value for name, value in outputs.items()}
        return logits, DecoderState(state.rows, state.cross, past)

    def keep_rows(self, state: DecoderState, rows: NDArray[np.intp]) -> DecoderState:
        """The state of some of the clips only."""
        cross, past = (
            {name: self._put(value.numpy()[rows]) for name, value in part.items()}
            for part in (state.cross, state.past)
        )
        return DecoderState(len(rows), cross, past)

    def _put(self, array: NDArray[Any]) -> Any:  # noqa: ANN401 (the library has no types)
        return self._value.ortvalue_from_numpy(array, self._device, 0)

    def _run(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        feed: dict[str, Any],
        stay: Sequence[str],
        come: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Outputs by name: those of ``stay`` on the device, those of ``come`` in main memory."""
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for name in stay:
            binding.bind_output(name, self._device)
        for name in come:
            binding.bind_output(name, "cpu")
        session.run_with_iobinding(binding)
        return dict(zip((*stay, *come), binding.get_outputs(), strict=True))
