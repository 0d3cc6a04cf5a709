"""What follows a clip in Whisper's window of 30 s: silence, in full or condensed.

Whisper was trained on windows of 1,500 encoder positions. A window that ends with the clip makes it
loop. But the silence after a short clip is constant: after the convolutions, silent positions
differ only by their place. *Condensed* padding therefore groups neighbouring silent positions, in
ever larger groups, and computes one position per group. Its embedding is made from those of the
members, and attention to it counts once per member, because log(members) is added to its score. The
network still sees the end of the clip and silence up to 30 s, at a fraction of the work.

This is an approximation of the full window; ``benchmarks/precision.py`` measures it. Three things
keep it close: the length of the embeddings; groups of at most 16 members, which grow more slowly
after a very short clip; and the window's own end, which is kept.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.whisper.log_mel import log_mel
from beam_audio.models.whisper.position_groups import GROUP_SIZES, group_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.models.card import Padding

POSITIONS: Final = 1500
SECONDS_PER_POSITION: Final = 0.02
SAMPLES_PER_POSITION: Final = 320
FRAMES_PER_POSITION: Final = 2
POSITION_BUCKETS: Final = (256, 320, 384, 500, 640, 768, 896, 1088, 1300, POSITIONS)
"""Numbers of positions that batches have on a device; 1088 hold a passage of 20 s."""

_HALF_TRANSFORM_SAMPLES: Final = 200
# The least number of groups of each size. Then the next larger size begins at a multiple of itself.
_LEAST_GROUPS: Final = (16, 8, 4, 4)
# A clip of fewer positions (1 s) loses most from larger groups.
_LEAST_GROUPS_SHORT: Final = (32, 32, 64, 16)
_SHORT_POSITIONS: Final = 50
# Positions the convolutions compute after the clip. All of them cover silence only; the last also
# covers the end of the window, as the 1,500th does, and attention relies on it.
_SILENT_POSITIONS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class EncoderInput:
    """The encoder's input for one clip, with n positions.

    Attributes:
        samples: float32 (s,): the clip.
        bands: Number of mel bands of its features.
        frames: Number of frames of the clip, and of the silence that must be computed.
        source: int64 (n,): index of the convolutions' output each position is taken from. The last
            output, which covers the end of the window, is used for the last position only.
        place: int64 (n,): row of the position's embedding, see ``position_groups``.
        log_members: float32 (n,): log of the number of positions that it represents.
    """

    samples: NDArray[np.float32] = field(repr=False)
    bands: int
    frames: int
    source: NDArray[np.int64]
    place: NDArray[np.int64]
    log_members: NDArray[np.float32]

    @property
    def log_mel(self) -> NDArray[np.float32]:
        """Features (bands, frames), computed on the CPU."""
        return log_mel(self.samples, self.bands, self.frames)

    @property
    def own_positions(self) -> int:
        """Number of positions that begin in the clip."""
        return -(-len(self.samples) // SAMPLES_PER_POSITION)

    @property
    def positions(self) -> int:
        """Number of positions the encoder computes."""
        return len(self.source)


def encoder_input(samples: NDArray[np.float32], bands: int, padding: Padding) -> EncoderInput:
    """Positions of a clip: float32 (n,) at 16 kHz of at most 30 s."""
    content = content_positions(len(samples))
    places, members = _condensed(content if padding == "condensed" else POSITIONS)
    whole = len(places) == POSITIONS
    computed = POSITIONS if whole else content + _SILENT_POSITIONS
    source = np.minimum(np.arange(len(places)), POSITIONS if whole else computed - 2)
    source[-1] = computed - 1
    return EncoderInput(
        samples=samples,
        bands=bands,
        frames=FRAMES_PER_POSITION * computed,
        source=source,
        place=places,
        log_members=np.log(members).astype(np.float32),
    )


def content_positions(samples: int) -> int:
    """Positions that cover any of the clip's samples; position p covers frames 2p-2 to 2p+2."""
    return min(POSITIONS, -(-(samples + _HALF_TRANSFORM_SAMPLES) // SAMPLES_PER_POSITION) + 1)


def condensed_positions(samples: int) -> int:
    """Positions the encoder computes for a clip with condensed padding."""
    return len(_condensed(content_positions(samples))[0])


def bucket(positions: int) -> int:
    """The least of ``POSITION_BUCKETS`` that holds so many positions."""
    return POSITION_BUCKETS[bisect_left(POSITION_BUCKETS, positions)]


def computed_positions(samples: int, padding: Padding, *, on_device: bool) -> int:
    """Positions the encoder computes for a clip; a device computes those of its bucket."""
    if padding == "full":
        return POSITIONS
    positions = condensed_positions(samples)
    return bucket(positions) if on_device else positions


@lru_cache(maxsize=POSITIONS)
def _condensed(content: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the embeddings, and how many positions each represents; the last is on its own."""
    rows, members, position = list(range(content)), [1] * content, content
    level = groups = 0
    least = _LEAST_GROUPS_SHORT if content < _SHORT_POSITIONS else _LEAST_GROUPS
    while position < POSITIONS:
        ready = level < len(least) and groups >= least[level]
        if ready and not position % GROUP_SIZES[level + 1]:
            level, groups = level + 1, 0
        size = GROUP_SIZES[level]
        while size > 1 and position + size >= POSITIONS:
            size //= 2
        rows.append(group_row(size, position, POSITIONS))
        members.append(size)
        position, groups = position + size, groups + 1
    return np.array(rows), np.array(members)
