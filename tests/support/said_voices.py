"""Embeddings of made-up people, as rows hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "campplus-made"


def voice(person: int, times: int = 0) -> list[int]:
    """How a person sounds at a time: two of one have a cosine of some 0.7, of two some 0."""
    mean = np.random.default_rng([person]).standard_normal(192)
    heard = mean + 0.6 * np.random.default_rng([person, times, 1]).standard_normal(192)
    scaled: list[int] = np.rint(heard * 127 / np.abs(heard).max()).astype(np.int8).tolist()
    return scaled


def stored(person: int, times: int = 0) -> bytes:
    """The same as bytes."""
    return np.array(voice(person, times), np.int8).tobytes()


def voices(*people: int | None, model_id: str = MODEL) -> dict[str, Sequence[object]]:
    """Columns of segments in which these people speak, each at another time; None for nobody."""
    return {
        "speaker_embedding": [
            None if person is None else voice(person, at) for at, person in enumerate(people)
        ],
        "speaker_model_id": [model_id] * len(people),
    }
