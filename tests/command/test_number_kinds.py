"""Numbers that flags take, and what is said about others."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from beam_audio.command.number_kinds import above_zero, cosine, count, from_zero

if TYPE_CHECKING:
    from collections.abc import Callable

    Kind = Callable[[str], float]


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [(above_zero, "0.5", 0.5), (from_zero, "0", 0.0), (cosine, "-1", -1.0), (count, "12", 12)],
)
def test_a_number_within_its_bounds_is_taken(kind: Kind, text: str, number: float) -> None:
    assert kind(text) == number


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        *((above_zero, text, "above 0") for text in ("0", "-1", "inf", "nan")),
        *((from_zero, text, "0 or more") for text in ("-0.1", "inf", "nan")),
        *((cosine, text, "between -1 and 1") for text in ("1.01", "nan")),
        (count, "0", "1 or more"),
    ],
)
def test_another_is_refused_with_its_bounds(kind: Kind, text: str, complaint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"{text} must .*{complaint}"):
        kind(text)


def test_what_is_no_number_is_left_to_argparse() -> None:
    with pytest.raises(ValueError, match="many"):
        above_zero("many")
    with pytest.raises(ValueError, match=r"1\.5"):
        count("1.5")
