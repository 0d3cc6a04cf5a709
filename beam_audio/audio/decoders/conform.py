"""Audio whose rate or channels change midway, brought to one rate and one number of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Conform:
    """Brings chunks of any rate and number of channels to those of the first.

    Chunks that already have them pass untouched. Others are mixed and resampled; the resampler
    holds back a few milliseconds until :meth:`flush`.
    """

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._from_hz = rate_hz
        self._resampler: Any = None

    def push(self, samples: NDArray[np.float32], rate_hz: int) -> Iterator[NDArray[np.float32]]:
        """Yield what is ready, at least a frame: shape (frames, channels of the first)."""
        if rate_hz != self._from_hz:
            yield from self.flush()
            self._from_hz = rate_hz
        mixed = _mix(samples, self._channels)
        if rate_hz == self._rate_hz:
            yield mixed
            return
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                rate_hz, self._rate_hz, self._channels, dtype="float32", quality="HQ"
            )
        yield from self._resample(mixed, last=False)

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """Yield what the resampler holds back."""
        if self._resampler is not None:
            yield from self._resample(np.zeros((0, self._channels), np.float32), last=True)
            self._resampler = None

    def _resample(
        self, samples: NDArray[np.float32], *, last: bool
    ) -> Iterator[NDArray[np.float32]]:
        out: NDArray[np.float32] = self._resampler.resample_chunk(samples, last=last)
        if len(out):
            yield out.reshape(-1, self._channels)


def _mix(samples: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Change the number of channels.

    Mono goes to every channel, and everything becomes mono by its mean. Otherwise, channels beyond
    the wanted number are added to the last two at half their level, and missing ones are silent.
    """
    held = samples.shape[1]
    if held == channels:
        return samples
    if channels == 1:
        return np.asarray(samples.mean(axis=1, dtype=np.float32, keepdims=True))
    if held == 1:
        return np.repeat(samples, channels, axis=1)
    mixed = np.zeros((len(samples), channels), np.float32)
    mixed[:, : min(held, channels)] = samples[:, :channels]
    for index in range(channels, held):
        mixed[:, -2:] += samples[:, index : index + 1] / 2
    return mixed
