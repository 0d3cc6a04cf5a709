"""Known phrases of models where nobody speaks; they are in ``data/hallucination_phrases.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.quality.first_normalizers import spoken_words
from beam_audio.quality.folding import to_simplified
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.quality.yaml_lines import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


_DOT_OF_LOWER_CASE_I: Final = "\u0307"  # lower-casing leaves it of an İ


@dataclass(frozen=True, slots=True)
class Phrases:
    """Known hallucinations of a language, in the form in which texts are compared.

    Attributes:
        credits: Of subtitles; nobody says them, so they count anywhere in a text.
        farewells: Of videos; ordinary language, so they count as a whole text only.
    """

    credits: tuple[str, ...]
    farewells: tuple[str, ...]


def is_known_hallucination(text: str, language: str | None) -> bool:
    """Whether a text holds credits of subtitles, or is nothing but farewells of videos.

    Credits are looked for in all languages: a model that hallucinates is often wrong about the
    language, too. Farewells are compared in the text's own language.

    Args:
        text: What was recognised in one segment.
        language: Its language; None for unknown, which has no farewells.
    """
    known, spoken = _phrases(), _spoken(text)
    if any(phrase in _joined(spoken, each) for each in known for phrase in known[each].credits):
        return True
    code = known_code(language)
    if code is None or code not in known:
        return False
    whole = _joined(spoken, code)
    return any(
        phrase in whole and not whole.replace(phrase, "").strip()
        for phrase in known[code].farewells
    )


@cache
def _phrases() -> Mapping[str, Phrases]:
    """Phrases by the code of their language."""
    file = resources.files("beam_audio") / "data" / "hallucination_phrases.yaml"
    lists = parse_yaml(file.read_text(encoding="utf-8"), file.name)
    if not isinstance(lists, dict):
        raise ConfigError(f"{file.name} holds no lists by language")
    return {
        language: Phrases(
            credits=_compared(kinds.get("credits"), language),
            farewells=_compared(kinds.get("farewells"), language),
        )
        for language, kinds in lists.items()
    }


def _compared(phrases: list[str] | None, language: str) -> tuple[str, ...]:
    return tuple(_joined(_spoken(each), language) for each in phrases or ())


def _spoken(text: str) -> str:
    return spoken_words(text).replace(_DOT_OF_LOWER_CASE_I, "")


def _joined(spoken: str, language: str) -> str:
    """Spoken words, each between spaces, so that no phrase begins or ends within a word.

    In a language without word spaces the characters alone; Chinese ones are simplified.
    """
    words = spoken.split()
    if has_word_spaces(language):
        return "".join(f" {word} " for word in words)
    return to_simplified("".join(words)) if language == "zh" else "".join(words)
