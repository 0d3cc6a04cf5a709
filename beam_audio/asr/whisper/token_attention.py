"""Which frames of a clip its tokens attend to: in numpy on a CPU, by a graph on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.session import make_session
from beam_audio.asr.whisper.alignment import attention_of_tokens
from beam_audio.models.whisper.attention_graph import HALF_FILTER_FRAMES, attention_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.device_values import Device
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.batches import EncodedClips
    from beam_audio.models.whisper.config import WhisperConfig
    from beam_audio.models.whisper.transformer import Precision

_AT_ONCE: Final = 4
"""Rows of a call on a device: the weights of all heads, in float32, are in its memory meanwhile."""
_HIDDEN: Final = -1e30


class TokenAttention:
    """A session that scores tokens against audio; on a device it does all that follows, too.

    Args:
        directory: Where ``alignment.onnx`` is.
        config: Sizes of the network.
        device: Memory that clips are decoded in.
        precision: That of the decoder.
        options: Provider and threads.
    """

    def __init__(
        self,
        directory: Path,
        config: WhisperConfig,
        device: Device,
        precision: Precision,
        options: ModelOptions,
    ) -> None:
        self._device = device
        self._session = make_session(
            directory / "alignment.onnx" if device.is_host else attention_model(config, precision),
            options,
        )
        names = (entry.name for entry in self._session.get_inputs())
        self._keys = [name for name in names if name.startswith("cross_key_")]

    def of_rows(
        self,
        clips: EncodedClips,
        buffers: dict[str, Any],
        rows: Sequence[int],
        places: Sequence[slice],
    ) -> list[NDArray[np.float32]]:
        """How much more each token attends to each frame than others do.

        Args:
            clips: The clips.
            buffers: Those of their tokens.
            rows: Some of the clips.
            places: For each of these, places of tokens; all begin at the same one.

        Returns:
            For each of these, float32 (tokens, frames of the clip).
        """
        if self._device.is_host:
            return [
                attention_of_tokens(self._scores(clips, buffers, row, tokens))
                for row, tokens in zip(rows, places, strict=True)
            ]
        found = []
        for first in range(0, len(rows), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            found += self._at_once(clips, buffers, rows[part], places[part])
        return found

    def _scores(
        self, clips: EncodedClips, buffers: dict[str, Any], row: int, tokens: slice
    ) -> NDArray[np.float32]:
        """Scores of the heads that follow time, before any softmax (heads, tokens, frames)."""
        feed = {
            "query": buffers["query"],
            "first": self._device.put(np.array([row, tokens.start, 0])),
            "stop": self._device.put(np.array([row + 1, tokens.stop, clips.frames[row]])),
        }
        feed |= {name: clips.audio[name] for name in self._keys}
        found = self._device.run(self._session, feed, ["scores"])
        scores: NDArray[np.float32] = self._device.fetch(found["scores"])[0]
        return scores

    def _at_once(
        self,
        clips: EncodedClips,
        buffers: dict[str, Any],
        rows: Sequence[int],
        places: Sequence[slice],
    ) -> list[NDArray[np.float32]]:
        tokens = np.array([each.stop - each.start for each in places])
        frames = np.array([clips.frames[row] for row in rows])
        first, most, longest = places[0].start, int(tokens.max()), max(1, int(frames.max()))
        arrays: dict[str, NDArray[Any]] = {
            "rows": np.array(rows, np.int64),
            "first": np.array([first]),
            "stop": np.array([first + most]),
            "positions": np.array([longest]),
            "hidden": np.where(np.arange(longest) < frames[:, None], 0, _HIDDEN).astype(np.float32),
            "fed": (np.arange(most) < tokens[:, None]).astype(np.float32),
            "columns": mirrored(frames, longest)[..., None],
        }
        feed = {name: self._device.put(array) for name, array in arrays.items()}
        feed |= {"query": buffers["query"]} | {name: clips.audio[name] for name in self._keys}
        found = self._device.run(self._session, feed, ["attention"])
        attention = self._device.fetch(found["attention"])
        return [each[:fed, :own] for each, fed, own in zip(attention, tokens, frames, strict=True)]


def mirrored(frames: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Frames of clips, mirrored at both ends of each clip.

    Args:
        frames: Number of frames of each clip.
        longest: The largest of these numbers.

    Returns:
        int64 (clips, longest + 6); a clip of no more than three frames repeats its ends instead.
    """
    last = frames[:, None] - 1
    asked = np.abs(np.arange(-HALF_FILTER_FRAMES, longest + HALF_FILTER_FRAMES))
    return np.clip(np.minimum(asked, 2 * last - asked), 0, np.maximum(last, 0))
