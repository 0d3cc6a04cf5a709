"""What is searched for: words, "phrases", begin* and misspelt~; all of them, in any order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError
from beam_audio.search.tokens import placed_tokens, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TERM: Final = re.compile(r'"([^"]*)"([*~]?)|(\S+)')
_MOST_TERMS: Final = 64
_QUOTES: Final = str.maketrans(dict.fromkeys("“”„«»", '"'))
_LAST: Final = re.compile(r"(.*?)([*~]?)", re.DOTALL)

Pattern = tuple[str | None, ...]
"""Tokens that follow one another; None is any one token."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a text must hold: one of some patterns.

    Attributes:
        patterns: The patterns.
        is_prefix: Whether the last token of each may go on.
    """

    patterns: tuple[Pattern, ...]
    is_prefix: bool = False

    @property
    def expression(self) -> str:
        """What FTS5 matches for it."""
        return " OR ".join(map(self._of_pattern, self.patterns))

    def _of_pattern(self, pattern: Pattern) -> str:
        if None not in pattern:
            return _quoted(pattern) + ("*" if self.is_prefix else "")
        gap = pattern.index(None)
        return f"NEAR({_quoted(pattern[:gap])} {_quoted(pattern[gap + 1 :])}, 1)"

    def length_at(self, found: list[str], start: int) -> int:
        """How many tokens from a place on are what is searched for; 0 for none."""
        fits = (each for each in self.patterns if self._fits(each, found[start:]))
        return max(map(len, fits), default=0)

    def _fits(self, pattern: Pattern, found: list[str]) -> bool:
        """Whether tokens begin with a pattern."""
        if len(found) < len(pattern):
            return False
        *before, last = zip(pattern, found, strict=False)
        wanted, token = last
        ends = token.startswith(wanted or "") if self.is_prefix else wanted in {None, token}
        return ends and all(wanted in {None, token} for wanted, token in before)


def parse(words: str, like: Callable[[str], tuple[str, ...]]) -> tuple[Term, ...]:
    """The terms of a query.

    Args:
        words: What a person wrote.
        like: Words of the index that are spelt like one.

    Raises:
        ConfigError: There is nothing to search for in it.
    """
    terms = []
    for found in _TERM.finditer(words.translate(_QUOTES)):
        text, mark = (found[1], found[2]) if found[3] is None else _marked(found[3])
        if parts := tuple(tokens(text)):
            patterns = tuple(_near(parts, like)) if mark == "~" else (parts,)
            terms.append(Term(patterns, is_prefix=mark == "*"))
    if len(terms) > _MOST_TERMS:
        raise ConfigError(f"search for at most {_MOST_TERMS} words, not {len(terms)}")
    if not terms:
        raise ConfigError(f"there is no word to search for in {words!r:.200}")
    return tuple(terms)


def expression(terms: tuple[Term, ...]) -> str:
    """What FTS5 matches for all of some terms."""
    return " AND ".join(f"({term.expression})" for term in terms)


def marks(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int]]:
    """Which characters of a text are searched for: starts and ends, in order, apart."""
    placed = list(placed_tokens(text))
    found = [token for token, _, _ in placed]
    marked: list[tuple[int, int]] = []
    last = -1
    for at in range(len(found)):
        length = max(term.length_at(found, at) for term in terms)
        if length and at + length - 1 > last:
            start, end = placed[at][1], placed[at + length - 1][2]
            if marked and start <= marked[-1][1]:
                start, _ = marked.pop()
            marked.append((start, end))
            last = at + length - 1
    return marked


def _marked(word: str) -> tuple[str, str]:
    found = _LAST.fullmatch(word)
    return (found[1], found[2]) if found else (word, "")


def _near(parts: tuple[str, ...], like: Callable[[str], tuple[str, ...]]) -> Iterator[Pattern]:
    """Patterns that differ a little: a word in its spelling, a phrase in one of its tokens."""
    if len(parts) == 1:
        yield from ((token,) for token in like(parts[0]))
    yield parts
    if len(parts) <= len(("one", "other")):
        return
    for at in range(len(parts)):
        before, after = parts[:at], parts[at + 1 :]
        yield before + after
        if before and after:
            yield (*before, None, *after)


def _quoted(pattern: Pattern) -> str:
    return '"{}"'.format(" ".join(filter(None, pattern)))
