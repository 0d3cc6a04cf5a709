"""Words of a command line that no flag takes, and what was probably meant by them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_SHORT: Final = {"-i": "--input", "-m": "--model", "-o": "--output"}
"""What other programs call these flags."""
_SOURCES: Final = {"--input", "--manifest", "--subscription"}


def refuse_unknown(rest: Iterable[str], known: Collection[str], right: str = "") -> None:
    """Refuse flags that are not known, and words that belong to no flag.

    Args:
        rest: Words that argparse left over.
        known: Flags that are accepted nevertheless.
        right: The whole command in the right spelling, for the message.

    Raises:
        ConfigError: It names the first such word, and what was probably meant.
    """
    remark = f"; did you mean: {right}" if right else "; flags are written --name=value"
    expects_value = False
    for word in rest:
        name = word.split("=", 1)[0]
        if word.startswith("--"):
            if name not in known:
                raise ConfigError(f"unknown flag {name}{nearest(name, known)}")
            expects_value = "=" not in word
        elif expects_value:
            expects_value = False
        else:
            raise ConfigError(f"stray argument {word!r}{remark}")


def right_spelling(verb: str, given: Mapping[str, str], rest: Iterable[str]) -> str:
    """A command such as ``run clips/ -o out`` in the spelling that is understood.

    Args:
        verb: The verb.
        given: Flags that were understood.
        rest: The words that were not.

    Returns:
        The whole command; empty where no guess is safe, as when two sources are named.
    """
    words = [*_guesses(rest), *(f"--{name}={value}" for name, value in given.items())]
    names = [word.split("=", 1)[0] for word in words if word.startswith("--")]
    if len(set(names)) < len(names) or len(_SOURCES & set(names)) > 1:
        return ""
    return shlex.join(["beam-audio", verb, *words])


def _guesses(rest: Iterable[str]) -> Iterator[str]:
    """Each word as it was probably meant."""
    words = iter(rest)
    expects_value = False
    for word in words:
        is_flag = word.startswith("-")
        if word[:2] in _SHORT:
            value = word[2:].removeprefix("=") or next(words, "")
            yield f"{_SHORT[word[:2]]}={value}"
        elif is_flag or expects_value:
            yield word
        else:
            yield f"{_source(word)}={word}"
        expects_value = word.startswith("--") and "=" not in word


def _source(word: str) -> str:
    if word.endswith(".jsonl"):
        return "--manifest"
    return "--subscription" if word.startswith("projects/") else "--input"
