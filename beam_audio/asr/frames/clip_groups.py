"""Which clips of a batch share a call of a network, and how far they are padded for it.

What a clip is padded to must not depend on the clips around it: on a device clips are padded to
whole seconds, and those of as many seconds go together. Networks that cannot be trusted with
padding, and a CPU, which gains nothing from a batch, hear one clip at a time as it is.
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
_SHORTEST_SECONDS: Final = 0.1  # the networks fail on a few samples: shorter clips get silence


@dataclass(frozen=True, slots=True, eq=False)
class ClipGroup:
    """Clips of one call.

    Attributes:
        rows: Place of each in the batch.
        samples: float32 of shape (clips, samples), zeros after a clip's end.
        lengths: int64 of shape (clips,): samples of each; a very short clip's silence counts.
    """

    rows: tuple[int, ...]
    samples: NDArray[np.float32]
    lengths: NDArray[np.int64]


def padded_samples(samples: int, sample_rate_hz: int, *, together: bool) -> int:
    """Samples a clip has in its call; ``together`` tells whether clips may share one."""
    unit = _BUCKET_SECONDS * sample_rate_hz
    whole = -(-samples // unit) * unit if together else samples
    return max(whole, _shortest(sample_rate_hz))


def group_clips(
    clips: Sequence[NDArray[np.float32]], sample_rate_hz: int, *, together: bool
) -> Iterator[ClipGroup]:
    """Pad clips, float32 (n,) each, and part them into calls; short ones come first."""

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
