"""Whisper's encoder: a batch of clips to the keys and values that its decoder attends to."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from beam_audio.asr.device_values import Device
from beam_audio.asr.session import CPU, make_session
from beam_audio.asr.whisper.log_mel import padded_samples
from beam_audio.asr.whisper.padding import (
    FRAMES_PER_POSITION,
    POSITION_BUCKETS,
    POSITIONS,
    EncoderInput,
    bucket,
    encoder_input,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.card import Padding

Arrays = dict[str, "NDArray[Any]"]
"""Inputs of the encoder and of the features' graph, by name."""
ScalarT = TypeVar("ScalarT", bound=np.generic)

HIDDEN: Final = -1e4
"""Added to a score, it hides a position that a row of a batch does not have; float16 holds it."""


class Encoder:
    """Sessions of ``encoder.onnx`` and, on devices, of ``log_mel.onnx``.

    A CPU encodes clips one by one: it gains nothing from a batch, and needs the least memory then.
    A device encodes a batch at once. It is slow whenever it meets sizes for the first time, so that
    a batch has one of a few numbers of positions, and those that a clip does not have are hidden.

    Args:
        directory: Where the files are.
        options: Provider and threads.
    """

    def __init__(self, directory: Path, options: ModelOptions) -> None:
        self._directory, self._options = directory, options
        self._session = make_session(directory / "encoder.onnx", options)
        self.provider: str = self._session.get_providers()[0]
        self.device = Device(self.provider)
        self._shapes = {output.name: output.shape[1:] for output in self._session.get_outputs()}
        self._names = list(self._shapes)

    @cached_property
    def _features(self) -> Any:  # noqa: ANN401 (the library has no types)
        return make_session(self._directory / "log_mel.onnx", self._options)

    def warm_up(self, padding: Padding, rows: int) -> None:
        """Encode so many clips of silence in every size that batches have with this padding."""
        bands = self._session.get_inputs()[0].shape[1]
        silence = [encoder_input(np.zeros(0, np.float32), bands, padding)] * rows
        for positions in POSITION_BUCKETS if padding == "condensed" else (POSITIONS,):
            self.encode_at_once(at_once(silence, positions))

    def prepare(self, clips: Sequence[EncoderInput]) -> list[Arrays]:
        """What ``encode`` is given: a batch on a device, or clip after clip with its features.

        Nothing of it needs the device.
        """
        if self.provider != CPU:
            return [at_once(clips)]
        # All at first: numpy's idle threads spin for a while and would slow down the encoder.
        features = [clip.log_mel for clip in clips]
        return [
            {
                "log_mel": log_mel[None],
                "source": clip.source[None],
                "place": clip.place[None],
                "log_members": clip.log_members[None],
            }
            for clip, log_mel in zip(clips, features, strict=True)
        ]

    def encode(
        self, prepared: Sequence[Arrays], into: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the decoder needs of the audio of b clips, n audio positions.

        Args:
            prepared: What ``prepare`` gave.
            into: On a device, values of just these shapes to write to.

        Returns:
            Values on the device by name: ``cross_key_N`` and ``cross_value_N`` of every decoder
            layer, shaped as ``beam_audio.models.whisper.export`` says, and ``log_members`` (b, n),
            in which positions that a clip does not have are hidden.
        """
        if self.provider != CPU:
            return self.encode_at_once(*prepared, into)
        if len(prepared) == 1:
            return self._encode_alone(prepared[0])
        return self._encode_in_turn(prepared)

    def _encode_alone(self, clip: Arrays) -> dict[str, Any]:
        """The same for one clip."""
        feed = {name: self.device.put(array) for name, array in clip.items()}
        audio = self.device.run(self._session, feed, self._names)
        return {**audio, "log_members": feed["log_members"]}

    def _encode_in_turn(self, clips: Sequence[Arrays]) -> dict[str, Any]:
        """The same, clip by clip, each into its row."""
        longest = max(clip["source"].shape[1] for clip in clips)
        log_members = _stack([clip["log_members"][0] for clip in clips], HIDDEN, longest)
        joined: dict[str, NDArray[Any]] = {}
        for row, clip in enumerate(clips):
            encoded = self._encode_alone(clip)
            for name in self._names:
                alone = encoded[name].numpy()[0]
                if name not in joined:
                    sizes = zip(self._shapes[name], alone.shape, strict=True)
                    shape = [longest if free == "n" else size for free, size in sizes]
                    joined[name] = np.zeros((len(clips), *shape), alone.dtype)
                joined[name][row, :, : alone.shape[1], : alone.shape[2]] = alone
        joined["log_members"] = log_members
        return {name: self.device.put(array) for name, array in joined.items()}

    def encode_at_once(self, batch: Arrays, into: dict[str, Any] | None = None) -> dict[str, Any]:
        """As ``encode`` by one call, as it is on a device."""
        feed = {name: self.device.put(array) for name, array in batch.items()}
        heard = {"samples": feed.pop("samples")}
        feed |= self.device.run(self._features, heard, ["log_mel"])
        audio = self.device.run(self._session, feed, self._names, into)
        if into is None:
            return {**audio, "log_members": feed["log_members"]}
        self.device.update(into["log_members"], batch["log_members"])
        return into


def at_once(clips: Sequence[EncoderInput], least: int = 0) -> Arrays:
    """What ``encode_at_once`` is given for clips, with at least so many positions."""
    positions = bucket(max(least, *(clip.positions for clip in clips)))
    # The convolutions' last output covers the window's end, wherever that is.
    sources = [np.append(clip.source[:-1], positions - 1) for clip in clips]
    return {
        "samples": padded_samples(
            [clip.samples for clip in clips], FRAMES_PER_POSITION * positions
        ),
        "source": _stack(sources, 0, positions),
        "place": _stack([clip.place for clip in clips], 0, positions),
        "log_members": _stack([clip.log_members for clip in clips], HIDDEN, positions),
    }


def _stack(rows: Sequence[NDArray[ScalarT]], filling: float, length: int) -> NDArray[ScalarT]:
    """Vectors as rows of one array of a length."""
    return np.stack([np.pad(row, (0, length - len(row)), constant_values=filling) for row in rows])
