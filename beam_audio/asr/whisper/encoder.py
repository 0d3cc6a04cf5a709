"""Whisper's encoder: a batch of clips to the keys and values that its decoder attends to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from beam_audio.asr.device_values import Device
from beam_audio.asr.session import CPU, make_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.padding import EncoderInput

ScalarT = TypeVar("ScalarT", bound=np.generic)

HIDDEN: Final = -1e4
"""Added to a score, it hides a position that a row of a batch does not have; float16 holds it."""


class Encoder:
    """The session of ``encoder.onnx``.

    Args:
        path: That file.
        options: Provider and threads.
    """

    def __init__(self, path: Path, options: ModelOptions) -> None:
        self._session = make_session(path, options)
        self.provider: str = self._session.get_providers()[0]
        self.device = Device(self.provider)
        self._names = [output.name for output in self._session.get_outputs()]

    def encode(self, clips: Sequence[EncoderInput]) -> dict[str, Any]:
        """What the decoder needs of the audio of b clips, n audio positions in the longest.

        Returns:
            Values on the device by name: ``cross_key_N`` (b, h, d, n) and ``cross_value_N``
            (b, h, n, d) of every decoder layer, and ``log_members`` (b, n), in which positions that
            a clip does not have are hidden.
        """
        # A CPU gains nothing from a batch here, and one clip at a time needs the least memory.
        parts = [clips] if self.provider != CPU else [[clip] for clip in clips]
        encoded = [self.encode_at_once(part) for part in parts]
        audio = encoded[0] if len(parts) == 1 else self._join(encoded)
        audio["log_members"] = self.device.put(_stack([clip.log_members for clip in clips], HIDDEN))
        return audio

    def encode_at_once(self, clips: Sequence[EncoderInput]) -> dict[str, Any]:
        """Keys and values of clips by one call, with the number of positions of the longest."""
        feed: dict[str, NDArray[Any]] = {
            "log_mel": _stack_features([clip.log_mel for clip in clips]),
            "source": _stack(_sources(clips), 0),
            "place": _stack([clip.place for clip in clips], 0),
            "log_members": _stack([clip.log_members for clip in clips], HIDDEN),
        }
        values = {name: self.device.put(array) for name, array in feed.items()}
        return self.device.run(self._session, values, self._names)

    def _join(self, encoded: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch from clips that were encoded one by one."""
        joined = {}
        for name in self._names:
            rows = [clip.pop(name).numpy() for clip in encoded]
            sizes = np.array([row.shape[1:] for row in rows]).max(axis=0)
            array = np.empty((len(rows), *sizes), rows[0].dtype)
            for row, clip in zip(array, rows, strict=True):
                row[:, : clip.shape[2], : clip.shape[3]] = clip[0]
                row[:, clip.shape[2] :] = row[:, :, clip.shape[3] :] = 0
            joined[name] = self.device.put(array)
        return joined


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
