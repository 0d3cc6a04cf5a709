"""Where two fingerprints agree: whole copies, pieces, and what is no copy."""

from __future__ import annotations

import numpy as np
import pytest
from support.unit_runs import RATE_HZ, speech

from beam_audio.curate.duplicates.sound import (
    LEAST_SIMILARITY,
    compare_sounds,
    sound_keys,
    timeline,
)
from beam_audio.quality.fingerprint import WORD_SECONDS, fingerprint, words_of


def random_print(words: int, seed: int = 0) -> bytes:
    """A fingerprint of a sound that is like no other."""
    generator = np.random.default_rng(seed)
    return generator.integers(1, 1 << 16, words, dtype=np.uint16).astype("<u2").tobytes()


def with_errors(stored: bytes, share: float) -> bytes:
    """The same fingerprint with this share of its bits turned."""
    bits = np.unpackbits(np.frombuffer(stored, np.uint8))
    turned = np.random.default_rng(1).random(len(bits)) < share
    return np.packbits(bits ^ turned).tobytes()


WHOLE = random_print(200)


def test_equal_fingerprints_agree_as_a_whole() -> None:
    found = compare_sounds(WHOLE, WHOLE, 0)
    assert found is not None
    assert found.similarity == 1.0
    assert found.first == found.second
    assert found.first is not None
    assert found.first.start_seconds == 0.0
    assert found.first.end_seconds == pytest.approx(199 * WORD_SECONDS + 0.4)


def test_a_piece_is_found_where_it_stands() -> None:
    stranger = random_print(60, seed=2)
    other = stranger + WHOLE[2 * 50 : 2 * 150] + stranger
    found = compare_sounds(WHOLE, other, 50 - 60)
    assert found is not None
    assert found.first is not None
    assert found.second is not None
    assert found.first.start_seconds == pytest.approx(50 * WORD_SECONDS, abs=0.1)
    assert found.second.start_seconds == pytest.approx(60 * WORD_SECONDS, abs=0.1)
    assert found.first.seconds == pytest.approx(99 * WORD_SECONDS + 0.4, abs=0.2)


@pytest.mark.parametrize(("words", "errors"), [(200, 0.15), (40, 0.15), (24, 0.04)])
def test_a_copy_with_some_errors_is_alike(words: int, errors: float) -> None:
    stored = random_print(words)
    found = compare_sounds(stored, with_errors(stored, errors), 0)
    assert found is not None
    assert found.similarity >= LEAST_SIMILARITY


@pytest.mark.parametrize(("words", "errors"), [(200, 0.3), (24, 0.18), (15, 0.0)])
def test_the_shorter_a_stretch_the_more_must_agree(words: int, errors: float) -> None:
    stored = random_print(words)
    assert compare_sounds(stored, with_errors(stored, errors), 0) is None


def test_other_sounds_are_not_alike() -> None:
    assert compare_sounds(WHOLE, random_print(200, seed=3), 0) is None


def test_a_steady_tone_is_like_nothing() -> None:
    steady = np.full(200, 0x5A5A, "<u2").tobytes()
    assert compare_sounds(steady, steady, 0) is None


def test_silence_is_no_evidence() -> None:
    silent = bytes(2 * 200)
    assert compare_sounds(silent, silent, 0) is None
    assert len(sound_keys(silent)[0]) == 0


def test_a_copy_that_is_cut_shares_keys_at_one_shift() -> None:
    stored = fingerprint(speech())
    cut = fingerprint(speech()[round(0.3 * RATE_HZ) :])
    assert stored is not None
    assert cut is not None
    (keys, at), (cut_keys, cut_at) = sound_keys(stored), sound_keys(cut)
    shared, one, other = np.intersect1d(keys, cut_keys, return_indices=True)
    assert len(shared) >= 2
    assert np.median(at[one] - cut_at[other]) == pytest.approx(0.3 / WORD_SECONDS, abs=1)


def test_segments_are_put_where_they_stand_in_their_recording() -> None:
    first, second = random_print(3), random_print(2, seed=4)
    line = timeline([(0.32, second), (0.032, first)])
    assert line is not None
    expected = [0, *words_of(first), *[0] * 6, *words_of(second)]
    assert words_of(line).tolist() == expected


def test_a_recording_without_sound_has_no_timeline() -> None:
    assert timeline([]) is None
