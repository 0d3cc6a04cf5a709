"""Decoders of encoded audio: one reader per library, all with the same few methods.

In: encoded audio in a seekable binary file.
Out: a :class:`FrameReader`; :mod:`beam_audio.audio.decoders.choice` picks it by the file's content.
Main function: :meth:`FrameReader.read`, called from one thread at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.timeline import Hole
    from beam_audio.types import AudioFormat


class FrameReader(Protocol):
    """Encoded audio being decoded from its first frame to its last.

    A reader is constructed with a seekable binary file, which the caller closes.
    Construction, :meth:`seek` and :meth:`read` raise :class:`~beam_audio.errors.DecodeError` for
    bytes that cannot be decoded, and whatever the file itself raised when it could not be read.
    """

    @property
    def name(self) -> str:
        """Name of the decoder, as the ``--decoder`` flag spells it."""

    @property
    def format(self) -> AudioFormat:
        """Codec, container, rate and channels."""

    @property
    def other_tracks(self) -> tuple[int, ...]:
        """Numbers of the audio tracks that are not read."""

    @property
    def hole(self) -> Hole | None:
        """Why the last chunk is silence that is not in the file; None if it is audio."""

    @property
    def reads_on(self) -> bool:
        """Whether audio is read beyond the end that the header states, which is too early."""

    def seek(self, frame: int) -> int:
        """Move towards a frame before the first read.

        Returns:
            The frame at which reading starts: ``frame`` if the seek is exact, else 0.
        """

    def read(self) -> NDArray[np.float32]:
        """Decode some more: shape (frames, channels), full scale 1.0; no frames at the end."""

    def shortfall(self) -> str | None:
        """Why the audio is not whole although it ended; None if it is. Asked at the end."""

    def close(self) -> None:
        """Release the decoder."""
