"""The checksum of all samples that a FLAC states in its header."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.audio.decoders.stated import bytes_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.byte_source import ByteSource

_INFO_AT: Final = 8
_INFO_BYTES: Final = 34
_BITS_AT: Final = 12
_CHECKSUM_AT: Final = 18
_BYTES_PER_SAMPLE: Final = {8: 1, 16: 2, 24: 3}


class FlacChecksum:
    """Compares the samples of a FLAC with what its header says of them."""

    def __init__(self, source: ByteSource) -> None:
        info = bytes_at(source, _INFO_AT, _INFO_BYTES)
        bits = (int.from_bytes(info[_BITS_AT : _BITS_AT + 2], "big") >> 4 & 31) + 1
        self._stated = info[_CHECKSUM_AT:]
        self._bytes_per_sample = _BYTES_PER_SAMPLE.get(bits) if any(self._stated) else None
        self._seen = hashlib.md5(usedforsecurity=False)

    def push(self, samples: NDArray[np.int32]) -> None:
        """Take the next samples, interleaved, full scale 2^31."""
        if self._bytes_per_sample is not None:
            parts = samples.astype("<i4").view(np.uint8).reshape(-1, 4)
            self._seen.update(parts[:, 4 - self._bytes_per_sample :].tobytes())

    def differs(self) -> bool:
        """Whether the samples so far are not all that the header speaks of.

        False for a header without a checksum, and for samples of a size that is rarely used.
        """
        return self._bytes_per_sample is not None and self._seen.digest() != self._stated
