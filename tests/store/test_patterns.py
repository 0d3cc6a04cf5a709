"""Patterns: what they match, and names that hold their characters."""

from __future__ import annotations

import warnings

import pytest

from beam_audio.store.patterns import below, fixed_part, is_pattern, literal, matcher

ODD_NAMES = ["a[1].wav", "what?.wav", "star*.wav", "[", "]", "[[]", "[!a]", "ü ñ.wav", "a.b"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_literal_matches_its_name_alone(name: str) -> None:
    matches = matcher(literal(name))
    assert matches(name)
    assert not any(matches(other) for other in ODD_NAMES if other != name)
    assert fixed_part(literal(name)) == name


@pytest.mark.parametrize(
    ("pattern", "start"),
    [
        ("a/b*.wav", "a/b"),
        ("a/b?", "a/b"),
        ("a/[bc]/d", "a/"),
        ("a/[[]b]/c*", "a/[b]/c"),
        ("a/[*]", "a/*"),
        ("*", ""),
        ("a/b", "a/b"),
    ],
)
def test_the_fixed_part_ends_before_the_first_free_character(pattern: str, start: str) -> None:
    assert fixed_part(pattern) == start


def test_a_folder_is_taken_literally_and_what_is_in_it_is_not() -> None:
    assert below("in[1]/", "*.wav") == "in[[]1]/*.wav"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matches = matcher(below("in[1]"))
    assert matches("in[1]/a/b")
    assert not matches("in1/a")


def test_names_with_a_free_character_are_patterns() -> None:
    assert all(map(is_pattern, ("*", "a?", "[a]")))
    assert not is_pattern("a]b.wav")
