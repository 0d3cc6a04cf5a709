"""A Whisper's decoder as a session, fed with plain arrays and with audio that numpy encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from support.random_whisper import NumpyWhisper, Shape

Arrays = dict[str, "NDArray[Any]"]
PLACES = 12


class DecoderSession:
    """``decoder.onnx`` on a CPU.

    Args:
        path: The file.
        shape: Sizes of the network.
        dtype: Its number type.

    Attributes:
        session: The session.
    """

    def __init__(self, path: Path, shape: Shape, dtype: type = np.float32) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self._shape, self._dtype = shape, dtype

    def blank(self, rows: int) -> Arrays:
        """Buffers without tokens. Places that nothing was written to may hold any number."""
        return {
            entry.name: np.full((rows, entry.shape[1], PLACES, entry.shape[3]), 7, self._dtype)
            for entry in self.session.get_inputs()
            if entry.name.startswith("past_")
        }

    def step(self, feed: Arrays) -> Arrays:
        """All outputs; without ``hidden`` and ``asked`` no token is hidden and none is asked."""
        whole: Arrays = {
            "start": np.zeros(1, np.int64),
            "hidden": np.zeros((len(feed["positions"]), self._shape.vocabulary), np.float32),
            "asked": np.zeros(0, np.int64),
        }
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, whole | feed), strict=True))


def past_of(result: Arrays) -> Arrays:
    """Buffers after a step, as inputs of the next."""
    return {
        name.replace("present", "past"): value
        for name, value in result.items()
        if name.startswith("present")
    }


def numpy_audio(
    network: NumpyWhisper,
    clips: list[NDArray[np.float64]],
    dtype: type = np.float32,
    members: list[int] | None = None,
) -> Arrays:
    """What the decoder needs of clips that numpy encoded, hidden states (positions, width).

    As in the graphs, values in float16 have their last two axes swapped.
    """
    rows = [network.cross(clip) for clip in clips]
    audio: Arrays = {name: np.stack([row[name] for row in rows]).astype(dtype) for name in rows[0]}
    for name in audio:
        if dtype is np.float16 and name.startswith("cross_value"):
            audio[name] = np.ascontiguousarray(audio[name].swapaxes(2, 3))
    counts = np.ones(len(clips[0])) if members is None else np.array(members)
    audio["log_members"] = np.tile(np.log(counts).astype(np.float32), (len(clips), 1))
    return audio
