"""Letters that a language is not written with."""

from __future__ import annotations

import pytest

from beam_audio.quality.scripts import foreign_letters


@pytest.mark.parametrize(
    ("text", "language", "share"),
    [
        ("Plain words, 5 of them!", "en", 0.0),
        ("Naïve façade, Dvořák", "en", 0.0),
        ("да yes", "ru", 0.6),
        ("Добро dobro", "sr", 0.0),
        ("Привет", "English", 1.0),
        ("NHKのニュース", "ja", 3 / 8),
        ("今日は々ー", "ja", 0.0),
        ("ＡＢ", "en", 0.0),  # noqa: RUF001 (full-width)
        ("नमस्ते ab", "hi", 1 / 3),
        ("5 + 5", "en", None),
        ("", "en", None),
        ("words", None, None),
        ("words", "tlh", None),
    ],
)
def test_share_of_letters_of_other_scripts(
    text: str, language: str | None, share: float | None
) -> None:
    assert foreign_letters(text, language) == (None if share is None else pytest.approx(share))
