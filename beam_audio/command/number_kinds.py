"""Kinds of numbers that flags take, for argparse."""

from __future__ import annotations

import argparse
import math


def above_zero(text: str) -> float:
    """A number above 0.

    Raises:
        argparse.ArgumentTypeError: It is not.
    """
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


def from_zero(text: str) -> float:
    """A number that is 0 or more.

    Raises:
        argparse.ArgumentTypeError: It is not.
    """
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be 0 or more")
    return number


def cosine(text: str) -> float:
    """A number from -1 to 1.

    Raises:
        argparse.ArgumentTypeError: It is not.
    """
    number = float(text)
    if not -1 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} must lie between -1 and 1")
    return number


def count(text: str) -> int:
    """A whole number that is 1 or more.

    Raises:
        argparse.ArgumentTypeError: It is not.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return number
