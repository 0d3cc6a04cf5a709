"""Batches of clips in the memory of the decoder: their audio, and buffers for their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.session import make_session
from beam_audio.asr.whisper.fixed_memory import FixedMemory, sized

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.device_values import Device
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.fixed_memory import FixedBatch
    from beam_audio.models.whisper.config import WhisperDimensions
    from beam_audio.models.whisper.transformer import Precision

# On a CPU attention costs every place of a buffer, used or not; there a full buffer doubles.
_LEAST_PLACES: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class EncodedClips:
    """What the decoder needs of the audio of some clips.

    Attributes:
        frames: For each clip, the number of audio positions that begin in the clip itself.
        positions: For each clip, its number of audio positions, silence included. The tensors have
            the largest of these numbers.
        audio: Keys and values of the audio, and the weights of its positions, by input name.
        batch: The batch of a fixed size that they are in, if they are in one.
    """

    frames: tuple[int, ...]
    positions: tuple[int, ...]
    audio: dict[str, Any]
    batch: FixedBatch | None = None

    @property
    def rows(self) -> int:
        """Number of clips."""
        return len(self.frames)

    @property
    def size(self) -> int:
        """Number of rows of the tensors; those after the clips are not used."""
        return self.batch.size if self.batch else self.rows


class Batches:
    """Makes batches, and smaller ones of their rows. A device has a few sizes; a CPU has any.

    Args:
        directory: Where ``audio_rows.onnx`` and ``rows.onnx`` are.
        sizes: Sizes of the network.
        device: Where clips are encoded and decoded.
        options: Provider and threads.

    Attributes:
        precision: Number type of keys and values.
    """

    def __init__(
        self, directory: Path, sizes: WhisperDimensions, device: Device, options: ModelOptions
    ) -> None:
        self._device = device
        self._audio_rows, self._rows = (
            make_session(directory / f"{name}.onnx", options) for name in ("audio_rows", "rows")
        )
        self._shapes, self._audio_shapes = _shapes(self._rows), _shapes(self._audio_rows)
        kinds = {entry.type for entry in self._rows.get_inputs()}
        self.precision: Precision = "float16" if "tensor(float16)" in kinds else "float32"
        self._dtype = dtype = np.float16 if self.precision == "float16" else np.float32
        self._most_places = sizes.text_positions
        self._fixed = None
        if device.captures:
            shapes = self._audio_shapes | self._shapes
            most = sizes.text_positions, sizes.audio_positions
            self._fixed = FixedMemory(device, dtype, shapes, most)

    def of_size(self, rows: int, positions: int) -> FixedBatch | None:
        """The batch of just this size, where a device encodes clips in place."""
        if self._fixed and self._device.name != "cpu":
            return self._fixed.of_size(rows, positions)
        return None

    def place(self, clips: EncodedClips) -> EncodedClips:
        """The clips where the decoder needs them: in a batch of a fixed size, if there are any."""
        return self._audio_of(clips, np.arange(clips.rows)) if self._fixed else clips

    def blank(self, clips: EncodedClips, least: int) -> dict[str, Any]:
        """Buffers for the tokens of clips, with at least so many places."""
        if clips.batch:
            return clips.batch.buffers
        places = self._most_places
        if self._device.name == "cpu":
            places = min(max(_LEAST_PLACES, 1 << (least - 1).bit_length()), places)
        sizes = {"b": clips.rows, "s": places}
        return {
            name: self._device.zeros(sized(shape, sizes), self._dtype)
            for name, shape in self._shapes.items()
        }

    def grown(self, buffers: dict[str, Any], used: int) -> dict[str, Any]:
        """The buffers, larger if all of their places are used."""
        if used < buffers["query"].shape()[2]:
            return buffers
        free = min(used, self._most_places - used)
        return {name: self._device.longer(value, 2, free) for name, value in buffers.items()}

    def is_smaller(self, clips: EncodedClips, rows: NDArray[np.intp]) -> bool:
        """Whether some of the clips, in another order perhaps, are to be a batch of their own."""
        if self._fixed:
            return self._fixed.size(len(rows)) < clips.size
        return not np.array_equal(rows, np.arange(clips.rows))

    def keep(
        self, clips: EncodedClips, buffers: dict[str, Any], rows: NDArray[np.intp]
    ) -> tuple[EncodedClips, dict[str, Any]]:
        """A batch of some of the clips, and what their tokens wrote."""
        kept = self._audio_of(clips, rows)
        which = {"rows": self._device.put(filled(rows.astype(np.int64), kept.size))}
        into = kept.batch.buffers if kept.batch else None
        return kept, self._take(self._rows, buffers, which, into)

    def _audio_of(self, clips: EncodedClips, rows: NDArray[np.intp]) -> EncodedClips:
        frames, positions = (
            tuple(counts[row] for row in rows) for counts in (clips.frames, clips.positions)
        )
        batch = self._fixed.batch(len(rows), max(positions)) if self._fixed else None
        if batch is None and self._device.name == "cpu":  # one copy; the graph makes two
            audio = {
                name: self._device.part(
                    value, rows, self._audio_shapes[name].index("n"), max(positions)
                )
                for name, value in clips.audio.items()
            }
            return EncodedClips(frames, positions, audio)
        size, longest = (batch.size, batch.positions) if batch else (len(rows), max(positions))
        which = {
            "rows": self._device.put(filled(rows.astype(np.int64), size)),
            "positions": self._device.put(np.array([longest])),
        }
        audio = self._take(self._audio_rows, clips.audio, which, batch.audio if batch else None)
        return EncodedClips(frames, positions, audio, batch)

    def _take(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        values: dict[str, Any],
        which: dict[str, Any],
        into: dict[str, Any] | None,
    ) -> dict[str, Any]:
        kept = into and {f"kept_{name}": value for name, value in into.items()}
        names = [f"kept_{name}" for name in values]
        found = self._device.run(session, values | which, names, kept)
        return into or {name: found[f"kept_{name}"] for name in values}


def filled(rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """As many rows as a batch has; the first one is repeated."""
    return np.concatenate([rows, rows[:1].repeat(size - len(rows), axis=0)])


def _shapes(session: Any) -> dict[str, tuple[int | str, ...]]:  # noqa: ANN401 (as above)
    """Shapes of what the session takes rows of."""
    return {
        entry.name: tuple(entry.shape)
        for entry in session.get_inputs()
        if entry.name not in {"rows", "positions"}
    }
