"""Normalisers: named ways of making two spellings of the same speech equal."""

from __future__ import annotations

import hashlib
import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError, ScoreError, raise_machine_error
from beam_audio.quality.basic_text import basic_2
from beam_audio.quality.english_text import english_2
from beam_audio.quality.first_normalizers import basic_1, english_1
from beam_audio.quality.languages import known_code
from beam_audio.spelling import nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Callable

AUTO: Final = "auto"
_BY_LANGUAGE: Final = "whisper-en-2,basic-2"
"""What ``auto`` chooses from."""

_NORMALIZERS: Final[dict[str, Callable[[str, str | None], str]]] = {
    "whisper-en-2": lambda text, _: english_2(text),
    "basic-2": basic_2,
    "whisper-en-1": lambda text, _: english_1(text),
    "basic-1": lambda text, _: basic_1(text),
    "none": lambda text, _: text,
}
_OWN: Final = re.compile(r"(?P<module>[\w.]+):(?P<function>\w+)(?:@(?P<sha256>[0-9a-f]{12}))?")
_SHA256_DIGITS: Final = 12
_SAMPLE: Final = "It's 5, she said."


@dataclass(frozen=True, slots=True)
class Normalizer:
    """A named way of making two spellings of the same speech equal; calling it returns the text.

    ``whisper-en-2`` is for English and ``basic-2`` for every other language. ``whisper-en-1`` and
    ``basic-1`` are their first versions, whose error rates stay comparable with published ones.
    ``none`` returns the text unchanged. ``module:function@sha256`` is a function of one's own,
    named with the start of its source's hash.

    Attributes:
        normalizer_id: One of these names.
        language: Language of the texts, where a normaliser depends on it.
    """

    normalizer_id: str
    language: str | None = None

    def __call__(self, text: str) -> str:
        """Return the normalised text.

        Raises:
            ConfigError: A function of one's own cannot be had.
            ScoreError: It fails on this text, or returns no text.
        """
        built_in = _NORMALIZERS.get(self.normalizer_id)
        if built_in is not None:
            return built_in(text, self.language)
        return _text_of(self.normalizer_id, _own(self.normalizer_id), text)


def normalizer_for(language: str | None, choice: str = AUTO) -> Normalizer:
    """Choose how texts are normalised for comparing.

    Args:
        language: Any name of the language; None when unknown.
        choice: ``auto`` takes ``whisper-en-2`` for English and ``basic-2`` for other languages.
            Any other name of a :class:`Normalizer` takes itself.

    Raises:
        ConfigError: The choice is unknown, or a function of one's own cannot be had.
    """
    if choice in {AUTO, _BY_LANGUAGE}:
        is_english = known_code(language) == "en"
        return Normalizer("whisper-en-2" if is_english else "basic-2", language)
    if choice in _NORMALIZERS:
        return Normalizer(choice, language)
    return Normalizer(resolved_choice(choice), language)


def resolved_choice(choice: str) -> str:
    """A choice as it enters the configuration's hash: with versions and with the source's hash.

    ``auto`` becomes the names it chooses from. The result of a function of one's own can be given
    to :func:`normalizer_for` on another machine, which refuses other source.

    Raises:
        ConfigError: The choice is unknown; a function of one's own cannot be had, or returns no
            text.
    """
    if choice in {AUTO, _BY_LANGUAGE}:
        return _BY_LANGUAGE
    if choice in _NORMALIZERS:
        return choice
    if ":" not in choice:
        hint = nearest_or_all(choice, [AUTO, *_NORMALIZERS])
        raise ConfigError(
            f"unknown normalizer {choice!r} (a function of your own is module:function){hint}"
        )
    function = _own(choice)
    try:
        _text_of(choice, function, _SAMPLE)
    except ScoreError as error:
        raise ConfigError(str(error)) from error
    name, _, _ = choice.partition("@")
    return f"{name}@{_sha256(name, function)}"


@cache
def _own(choice: str) -> Callable[[str], object]:
    """Import a function of one's own, and compare its source where the choice names a hash."""
    parts = _OWN.fullmatch(choice)
    if parts is None:
        raise ConfigError(f"normalizer {choice!r} is not of the form module:function")
    name = f"{parts['module']}:{parts['function']}"
    try:
        module = import_module(parts["module"])
    except ImportError as error:
        raise ConfigError(
            f"normalizer {name}: module {parts['module']!r} cannot be imported ({error}); install "
            "it or put it on PYTHONPATH, on every worker"
        ) from error
    function: object = getattr(module, parts["function"], None)
    if not callable(function):
        raise ConfigError(
            f"normalizer {name}: module {parts['module']!r} has no function {parts['function']!r}"
        )
    found = _sha256(name, function)
    if parts["sha256"] not in {None, found}:
        raise ConfigError(
            f"normalizer {name}: its source here has the hash {found}, and the run was started "
            f"with {parts['sha256']}; give every worker the same module"
        )
    return function


def _sha256(name: str, function: Callable[[str], object]) -> str:
    """Hash of the source of the module that a function is written in."""
    module = inspect.getmodule(function)
    try:
        source = inspect.getsource(module) if module else ""
    except (OSError, TypeError):
        source = ""
    if not source:
        raise ConfigError(f"normalizer {name}: it has no Python source whose hash can name it")
    return hashlib.sha256(source.encode()).hexdigest()[:_SHA256_DIGITS]


def _text_of(choice: str, function: Callable[[str], object], text: str) -> str:
    try:
        normalized = function(text)
    except Exception as error:
        raise_machine_error(error, f"normalizer {choice}")
        raise ScoreError(f"normalizer {choice} fails on {text[:64]!r}: {error!r}") from error
    if not isinstance(normalized, str):
        raise ScoreError(
            f"normalizer {choice} returns {type(normalized).__name__} for {text[:64]!r}; it must "
            "take one text and return a text"
        )
    return normalized
