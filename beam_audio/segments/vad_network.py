"""The voice activity network, loaded: samples and a state in, probabilities and the state out.

The model file is ``silero_vad_16k_sequence.onnx`` of silero-vad 6.2.3 (MIT), unchanged. It is
rebuilt by :mod:`beam_audio.segments.vad_graph` where that gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.errors import ModelError, raise_machine_error
from beam_audio.segments.vad_graph import (
    CONTEXT_SAMPLES,
    FRAME_SAMPLES,
    SIDE_BY_SIDE,
    side_by_side,
    side_by_side_model,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = tuple["NDArray[np.float32]", "NDArray[np.float32]"]
"""What the network remembers of a stream, each of shape (1, 1, 128)."""

NO_STATE: Final[State] = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))

_MODEL_FILE: Final = "silero_vad_16k_sequence.onnx"
_TRIED_FRAMES: Final = 5 * SIDE_BY_SIDE + 1
_OUTPUTS: Final = ("speech_probs", "hn", "cn")


@dataclass(frozen=True, slots=True, eq=False)
class VadNetwork:
    """A session of ONNX Runtime with the published network, or with the rebuilt one."""

    session: Any
    is_rebuilt: bool

    def hear(self, samples: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """Probabilities (n,) of speech in frames, and the state after them.

        Args:
            samples: 64 samples of context and the frames, shape (64 + 512 * n,).
            state: The state before them.
        """
        inputs = {"h": state[0], "c": state[1]}
        if self.is_rebuilt:
            inputs["windows"] = side_by_side(samples)
            inputs["count"] = np.array([len(samples) // FRAME_SAMPLES])
        else:
            size = CONTEXT_SAMPLES + FRAME_SAMPLES
            frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::FRAME_SAMPLES]
            inputs["input"] = np.ascontiguousarray(frames)
        probabilities, hidden, cell = self.session.run(_OUTPUTS, inputs)
        return probabilities, (hidden, cell)


@lru_cache(maxsize=1)
def vad_network() -> VadNetwork:
    """Load the network once per process; it always runs on one CPU thread.

    Raises:
        ModelError: onnxruntime or onnx is not installed.
    """
    original = resources.files("beam_audio").joinpath("data", _MODEL_FILE).read_bytes()
    return equal_network(original, side_by_side_model(original))


def equal_network(original: bytes, rebuilt: bytes) -> VadNetwork:
    """The rebuilt network if it gives the bits of the original on this processor, else that.

    Raises:
        ModelError: onnxruntime is not installed.
    """
    published = VadNetwork(_session(original), is_rebuilt=False)
    fast = VadNetwork(_session(rebuilt), is_rebuilt=True)
    random = np.random.default_rng(0)
    tried = random.standard_normal(CONTEXT_SAMPLES + _TRIED_FRAMES * FRAME_SAMPLES)
    samples = tried.astype(np.float32) * np.float32(0.1)
    expected, found = (
        (probabilities, *state)
        for probabilities, state in (each.hear(samples, NO_STATE) for each in (published, fast))
    )
    is_equal = all(map(np.array_equal, expected, found))
    return fast if is_equal else published


def _session(model: bytes) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    try:
        import onnxruntime  # noqa: PLC0415 - optional: comes with an extra
    except ImportError as error:
        raise_machine_error(error, "cannot load onnxruntime")
        raise ModelError(
            "voice activity detection needs onnxruntime: pip install 'beam_audio[cpu]', "
            "or 'beam_audio[gpu]' on a machine with an NVIDIA GPU"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The level above sums two-dimensional convolutions in another order.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
