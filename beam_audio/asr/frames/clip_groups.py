"""Which clips of a batch share a call of a network, and to which length they are padded.

The padded length of a clip must not depend on other clips. On a device, clips are padded to whole
seconds, and clips of the same length share a call. Networks whose result depends on padding get one
clip at a time, without padding. So does a CPU, which gains nothing from batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_BUCKET_SECONDS: Final = 1
_SHORTEST_SECONDS: Final = 0.1  # the networks fail on a few samples, so shorter clips are padded


@dataclass(frozen=True, slots=True, eq=False)
class ClipGroup:
    """The clips of one call.

    Attributes:
        rows: Index of each clip in the batch.
        samples: float32 of shape (clips, samples), zeros after a clip's end.
        lengths: int64 of shape (clips,): samples of each clip, at least 0.1 s.
    """

    rows: tuple[int, ...]
    samples: NDArray[np.float32]
    lengths: NDArray[np.int64]


def padded_samples(samples: int, sample_rate_hz: int, *, together: bool) -> int:
    """Samples of a clip after padding; ``together`` says whether clips may share a call."""
    unit = _BUCKET_SECONDS * sample_rate_hz
    whole = -(-samples // unit) * unit if together else samples
    return max(whole, _shortest(sample_rate_hz))


def group_clips(
    clips: Sequence[NDArray[np.float32]], sample_rate_hz: int, *, together: bool
) -> Iterator[ClipGroup]:
    """Pad clips, float32 (n,) each, and group them into calls; short clips come first."""

    def padded(row: int) -> int:
        return padded_samples(len(clips[row]), sample_rate_hz, together=together)

    for size, alike in groupby(sorted(range(len(clips)), key=padded), key=padded):
        rows = tuple(alike)
        for part in (rows,) if together else ((row,) for row in rows):
            samples = np.zeros((len(part), size), np.float32)
            for place, row in enumerate(part):
                samples[place, : len(clips[row])] = clips[row]
            lengths = [max(len(clips[row]), _shortest(sample_rate_hz)) for row in part]
            yield ClipGroup(part, samples, np.array(lengths, np.int64))


def _shortest(sample_rate_hz: int) -> int:
    return round(_SHORTEST_SECONDS * sample_rate_hz)
