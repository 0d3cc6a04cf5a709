"""What is suggested for a name that does not exist."""

from __future__ import annotations

import pytest

from beam_audio.spelling import nearest, nearest_or_all

NAMES = ("strict", "balanced", "lenient")


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("balancd", "; did you mean 'balanced'?"),
        ("lenint", "; did you mean 'lenient'?"),
        ("xyz", ""),
        ("", ""),
        ("strict" * 1_000_000, ""),
    ],
)
def test_the_nearest_name_is_suggested(name: str, remark: str) -> None:
    assert nearest(name, NAMES) == remark
    assert nearest_or_all(name, NAMES) == (remark or "; known are strict, balanced, lenient")
