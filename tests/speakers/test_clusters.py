"""Groups of directions made around known centres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.speakers.clusters import AT_ONCE, group

if TYPE_CHECKING:
    from numpy.typing import NDArray


def around(truth: NDArray[np.int64], spread: float = 0.5) -> NDArray[np.float32]:
    """Directions near the centre that each is of; the mean cosine within a group is 1/(1+s²)."""
    dice = np.random.default_rng(3)
    centres = np.linalg.qr(dice.normal(size=(192, 12)))[0].T[: truth.max() + 1]
    noise = dice.normal(size=(len(truth), 192)) / np.sqrt(192)
    found = centres[truth] + spread * noise
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(
        np.float32
    )
    return unit


def same_groups(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return (
        len({*zip(one.tolist(), other.tolist(), strict=True)})
        == len({*one.tolist()})
        == len({*other.tolist()})
    )


def weights(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(4).uniform(0.5, 9.0, count).astype(np.float32)


def test_groups_are_found_and_numbered_by_their_first_member() -> None:
    truth = np.array([2, 0, 2, 1, 1, 0, 2, 2])
    found = group(around(truth), weights(8), 0.4)
    assert found.tolist() == [0, 1, 0, 2, 2, 1, 0, 0]


def test_a_threshold_decides_how_many_there_are() -> None:
    truth = np.array([0, 0, 1, 1])
    directions = around(truth)
    assert len({*group(directions, weights(4), 0.99).tolist()}) == 4
    assert len({*group(directions, weights(4), -1.0).tolist()}) == 1


def test_a_number_that_is_given_is_kept() -> None:
    directions = around(np.array([0, 0, 1, 1, 2, 2]))
    for count in (1, 2, 3, 6):
        assert len({*group(directions, weights(6), 0.4, count=count).tolist()}) == count
    assert len({*group(directions[:2], weights(2), 0.4, count=5).tolist()}) == 2


def test_directions_of_one_room_stay_apart() -> None:
    directions = around(np.array([0, 0, 0, 1]))
    found = group(directions, weights(4), 0.4, rooms=np.array([0, 0, 1, 1]))
    assert found[0] != found[1]
    assert found[2] != found[3]
    assert found[2] in found[:2]


def test_many_directions_fall_into_the_same_groups() -> None:
    truth = np.random.default_rng(5).integers(0, 9, AT_ONCE + 300)
    found = group(around(truth), weights(len(truth)), 0.4)
    assert same_groups(found, truth)
    assert len({*group(around(truth), weights(len(truth)), 0.4, count=4).tolist()}) == 4


def test_no_directions_have_no_groups() -> None:
    assert group(np.zeros((0, 192), np.float32), weights(0), 0.4).tolist() == []
