"""When each token was said, from the cross-attention of the decoder.

Some heads of a Whisper decoder attend to the audio of the next token. Their scores become one cost
for each token and audio frame, and dynamic time warping finds the cheapest path through all tokens
and frames that never goes back. The steps are those of Whisper's reference
implementation (https://github.com/openai/whisper, ``timing.py``): softmax over the clip's frames,
z-score over tokens, a median filter along time, the mean over heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.models.whisper.attention_graph import HALF_FILTER_FRAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS_PER_FRAME: Final = 0.02

# Costs become integer multiples of 2**-20, so that sums are exact in any order. Coarser costs would
# make the path less steady, because rounding adds more noise than it hides.
_COST_SCALE: Final = 2.0**20


def token_spans(attention: NDArray[np.float32], prompt: int) -> NDArray[np.int64]:
    """First frame of each token and the frame after its last.

    Args:
        attention: float32 (prompt + t, n): how much more each token that was fed attends to the n
            frames of the clip than others do: first those of the prompt, then those of the text.
        prompt: Number of prompt tokens, at least 1; the last one attends to the first text token.

    Returns:
        int64 (t, 2), never decreasing, from 0 to at most n; the frames after the last token are
        after the end of the text.
    """
    fed, frames = attention.shape
    if not frames:
        return np.zeros((fed - prompt, 2), np.int64)
    starts = warp(-attention[prompt - 1 :])
    return np.stack((starts[:-1], starts[1:]), axis=1)


def attention_of_tokens(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much more a token attends to a frame than other tokens do, float32 (t, n).

    Args:
        scores: float32 (heads, t, n): scores of n frames, before softmax, for each token.
    """
    total = np.zeros(scores.shape[1:], np.float32)
    if not total.size:
        return total
    for head in scores:  # one at a time, so that the data stays in the processor's cache
        total += median_of_7(_z_scores(head))
    total /= len(scores)
    return total


def _z_scores(head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over frames, then each frame's z-score over tokens."""
    weights: NDArray[np.float32] = np.exp(head - head.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    weights -= weights.mean(axis=0)
    spread = np.sqrt(np.square(weights).mean(axis=0))
    np.divide(weights, spread, out=weights, where=spread > 0)
    return weights


def median_of_7(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of each seven neighbours along the last axis, mirrored at the ends.

    A window consists of two sorted triples, which neighbouring windows share, and a single value.
    Its median is that value, clamped between the third and the fourth of the six.
    """
    half, count = HALF_FILTER_FRAMES, rows.shape[1]
    if count <= half:
        return rows
    padded = np.pad(rows, ((0, 0), (half, half)), mode="reflect")
    one, two, three = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    smaller, larger = np.minimum(one, two), np.maximum(one, two)
    low, rest = np.minimum(smaller, three), np.maximum(smaller, three)
    middle, high = np.minimum(larger, rest), np.maximum(larger, rest)
    a1, a2, a3 = (part[:, :count] for part in (low, middle, high))
    b1, b2, b3 = (part[:, half : half + count] for part in (low, middle, high))
    third = np.minimum(np.minimum(a3, b3), np.minimum(np.maximum(a2, b1), np.maximum(a1, b2)))
    fourth = np.maximum(np.maximum(a1, b1), np.maximum(np.minimum(a2, b3), np.minimum(a3, b2)))
    median: NDArray[np.float32] = np.maximum(third, np.minimum(fourth, padded[:, 2 * half :]))
    return median


def warp(costs: NDArray[np.float32]) -> NDArray[np.int64]:
    """First frame of each row on the cheapest path from the first to the last cell.

    A path steps to the next frame, the next token, or both. Along a row the best cost is
    ``C[j] = min over k <= j of (entry[k] + cost[k] + ... + cost[j])``, where ``entry`` is the
    cheaper of the two cells above. With sums from the row's start, this is a running minimum.

    Args:
        costs: (t, n), both at least 1.

    Returns:
        int64 (t,), never decreasing, from 0.
    """
    tokens, frames = costs.shape
    reached = np.empty((tokens, frames), np.int64)
    entered = np.empty((tokens, frames), np.int64)
    np.cumsum(_whole(costs[0]), out=reached[0])
    for row in range(1, tokens):
        above, cost = reached[row - 1], _whole(costs[row])
        sums = np.cumsum(cost)
        entry = above.copy()
        np.minimum(above[1:], above[:-1], out=entry[1:])
        np.subtract(entry + cost, sums, out=entered[row])
        np.add(np.minimum.accumulate(entered[row]), sums, out=reached[row])
    starts = np.zeros(tokens, np.int64)
    frame = frames - 1
    for row in range(tokens - 1, 0, -1):
        frame = int(np.argmin(entered[row, : frame + 1]))
        starts[row] = frame
        if frame and reached[row - 1, frame - 1] <= reached[row - 1, frame]:
            frame -= 1
    return starts


def _whole(costs: NDArray[np.float32]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.rint(costs * _COST_SCALE).astype(np.int64)
    return whole
