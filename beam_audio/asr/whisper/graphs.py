"""The networks of a built Whisper; large tensors stay on their device between calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from beam_audio.asr.session import CPU
from beam_audio.asr.whisper.batches import EncodedClips
from beam_audio.asr.whisper.decoder import Decoder
from beam_audio.asr.whisper.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.encoder import Arrays
    from beam_audio.asr.whisper.padding import EncoderInput
    from beam_audio.models.card import Padding
    from beam_audio.models.whisper.config import WhisperConfig

T = TypeVar("T")
_WARM_ROWS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class PreparedClips:
    """Clips, and the arrays that the encoder is given for them."""

    clips: tuple[EncoderInput, ...]
    arrays: list[Arrays]


class WhisperGraphs:
    """Encoder and decoder.

    Args:
        directory: Where the files are.
        config: Tokens and sizes of the network.
        options: Provider and threads.

    Attributes:
        provider: The ONNX Runtime execution provider in use.
        decoder: The decoder.
    """

    def __init__(self, directory: Path, config: WhisperConfig, options: ModelOptions) -> None:
        self._encoder = Encoder(directory, options)
        self.provider: str = self._encoder.provider
        device = self._encoder.device
        self.decoder = Decoder(directory, config, device, options)
        # ONNX Runtime keeps captured graphs, and their memory, for the thread that captured them.
        self._thread = ThreadPoolExecutor(1, "device") if device.captures else None

    def warm_up(self, padding: Padding) -> None:
        """Meet the sizes that batches will have; a CPU has no need."""
        if self.provider != CPU:
            self.in_turn(lambda: self._encoder.warm_up(padding, _WARM_ROWS))

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do all that a batch needs of the graphs, from its audio to its last token.

        A device has one batch of each size, so that it has one batch after the other.
        """
        return work() if self._thread is None else self._thread.submit(work).result()

    def prepare(self, clips: Sequence[EncoderInput]) -> PreparedClips:
        """What can be computed before it is the clips' turn."""
        return PreparedClips(tuple(clips), self._encoder.prepare(clips))

    def encode(self, prepared: PreparedClips) -> EncodedClips:
        """Encode clips for the decoder, where it has them if they have just the size for that."""
        frames = tuple(clip.own_positions for clip in prepared.clips)
        positions = tuple(clip.positions for clip in prepared.clips)
        encoded = prepared.arrays[0]["source"].shape
        if batch := self.decoder.batches.of_size(*encoded):
            audio = self._encoder.encode(prepared.arrays, batch.audio)
            return EncodedClips(frames, positions, audio, batch)
        audio = self._encoder.encode(prepared.arrays)
        return self.decoder.batches.place(EncodedClips(frames, positions, audio))
