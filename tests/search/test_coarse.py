"""Directions in lists of those alike."""

from __future__ import annotations

import numpy as np

from beam_audio.search.coarse import centres_of, nearest_of


def made(kinds: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions of some kinds, and the kind of each."""
    generator = np.random.default_rng(3)
    means = generator.standard_normal((kinds, 192))
    numbers = generator.permutation(np.repeat(np.arange(kinds), each))
    found = means[numbers] + 0.3 * generator.standard_normal((kinds * each, 192))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32), numbers


def test_what_is_alike_is_in_one_list() -> None:
    directions, kinds = made(8, 100)
    centres = centres_of(directions, 40)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1.0, atol=1e-5)
    lists = nearest_of(directions, centres)
    assert all(len(set(kinds[lists == each])) == 1 for each in set(lists.tolist()))
    assert (directions * centres[lists]).sum(axis=1).min() > 0.8


def test_the_same_directions_give_the_same_lists() -> None:
    directions, _ = made(8, 50)
    assert np.array_equal(centres_of(directions, 8), centres_of(directions, 8))


def test_directions_that_are_all_the_same_are_no_matter() -> None:
    directions = np.repeat(made(1, 1)[0], 10, axis=0)
    centres = centres_of(directions, 4)
    assert np.allclose(centres, directions[:4], atol=1e-6)
    assert nearest_of(directions[:0], centres).tolist() == []


def test_opposite_directions_have_a_centre_nevertheless() -> None:
    directions = np.zeros((2, 192), np.float32)
    directions[:, 0] = 1.0, -1.0
    assert np.isfinite(centres_of(directions, 1)).all()
