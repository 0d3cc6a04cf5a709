"""A set of rules as a value, and what it decides about one segment.

:mod:`beam_audio.quality.rules` reads rules from files and says how they are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, Literal, get_args

from beam_audio.errors import ConfigError
from beam_audio.quality.languages import known_code
from beam_audio.quality.measures import METADATA, round_measure
from beam_audio.types import Decision, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.quality.measures import Value

Comparison = Literal["above", "below", "is", "contains", "matches", "outside_quartiles"]

DECISIONS: Final[tuple[Decision, ...]] = get_args(Decision)
"""From the mildest to the strictest."""
LANGUAGE: Final = "language"
URI: Final = "uri"
_ID_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """A column compared with a bound.

    The bound is a number for ``above`` and ``below``, a bool or a text for ``is``, and a text for
    ``contains`` (in any case) and ``matches`` (a regular expression, found anywhere). For
    ``outside_quartiles`` it is how many quartile ranges lie between a quartile and the fence.
    """

    column: str
    comparison: Comparison
    bound: float | bool | str

    def holds(self, value: Value) -> bool:
        """Whether the condition holds; never for a missing value.

        Raises:
            ConfigError: It compares with the rest of a corpus, which one segment does not know.
        """
        if value is None:
            return False
        if self.comparison == "is":
            return value is self.bound if isinstance(self.bound, bool) else value == self.bound
        if self.comparison == "contains":
            return str(self.bound).casefold() in str(value).casefold()
        if self.comparison == "matches":
            return re.search(str(self.bound), str(value)) is not None
        if self.comparison == "outside_quartiles":
            raise ConfigError(
                f"a rule compares {self.column} with the quartiles of the corpus: "
                "only 'beam-audio curate' knows them"
            )
        number = _number(value) if isinstance(value, str) else value
        if number is None:
            return False
        return number > self.number if self.comparison == "above" else number < self.number

    @property
    def number(self) -> float:
        """The bound of a comparison with a number."""
        return float(self.bound)


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A decision and its reason, for segments that meet all conditions.

    Attributes:
        reason: Its name.
        decision: What it decides.
        conditions: All of them must hold.
        unspoken: Whether the text of such a segment is nobody's words.
        languages: Codes of the languages it stands for; empty for all.
        sources: Patterns of the addresses it stands for, as in ``*/podcasts/*``; empty for all.
    """

    reason: str
    decision: Decision
    conditions: tuple[Condition, ...]
    unspoken: bool = False
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """Every column it looks at."""
        scope = {LANGUAGE, URI} if self.languages or self.sources else set()
        return frozenset(scope | {each.column for each in self.conditions})

    def stands_for(self, language: Value, uri: Value) -> bool:
        """Whether it stands for segments of this language and address."""
        return (not self.languages or _code(str(language or "")) in self.languages) and (
            not self.sources or any(fnmatchcase(str(uri or ""), each) for each in self.sources)
        )


@dataclass(frozen=True)
class Rules:
    """A named set of rules, in canonical order."""

    name: str
    rules: tuple[Rule, ...]

    @cached_property
    def rules_id(self) -> str:
        """Name and hash of the rules, such as ``balanced-1a2b3c4d``, whatever the file's layout."""
        content = [
            [
                rule.reason,
                rule.decision,
                [[c.column, c.comparison, c.bound] for c in rule.conditions],
                *(["unspoken"] if rule.unspoken else []),
                *([{"languages": rule.languages}] if rule.languages else []),
                *([{"sources": rule.sources}] if rule.sources else []),
            ]
            for rule in self.rules
        ]
        return f"{self.name}-{stable_id('rules', content)[:_ID_DIGITS]}"

    @cached_property
    def unspoken_reasons(self) -> frozenset[str]:
        """Reasons for which the text of a segment counts as words that nobody said."""
        return frozenset(rule.reason for rule in self.rules if rule.unspoken)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every column the rules look at."""
        return frozenset().union(*(rule.columns for rule in self.rules))

    @cached_property
    def fenced_columns(self) -> frozenset[str]:
        """Columns that are compared with their quartiles in the corpus."""
        return frozenset(
            each.column
            for rule in self.rules
            for each in rule.conditions
            if each.comparison == "outside_quartiles"
        )

    def decide(self, values: Mapping[str, Value]) -> tuple[Decision, tuple[str, ...]]:
        """Judge one segment.

        Args:
            values: A value for every column the rules look at, as made by
                :func:`beam_audio.quality.measures.measure_all`.

        Returns:
            What :func:`verdict` says of the rules that apply.

        Raises:
            ConfigError: A column the rules look at is not among the values.
        """
        return verdict(
            rule
            for rule in self.rules
            if rule.stands_for(values.get(LANGUAGE), values.get(URI))
            and all(c.holds(_value_of(values, c.column)) for c in rule.conditions)
        )


def verdict(met: Iterable[Rule]) -> tuple[Decision, tuple[str, ...]]:
    """What the rules that apply to a segment decide together.

    Returns:
        The strictest decision (``keep`` when no rule applies), and their reasons, sorted.
    """
    rules = list(met)
    decision = max((rule.decision for rule in rules), key=DECISIONS.index, default=DECISIONS[0])
    return decision, tuple(sorted({rule.reason for rule in rules}))


def _value_of(values: Mapping[str, Value], column: str) -> Value:
    if column not in values:
        if column.startswith(METADATA):
            return None
        raise ConfigError(f"the rules look at {column!r}, and no value was given for it")
    value = values[column]
    return value if isinstance(value, bool | str) else round_measure(value)


def _number(text: str) -> float | None:
    """The number that a text of the metadata is, rounded as measures are; None for others."""
    try:
        return round_measure(float(text))
    except ValueError:
        return None


@cache
def _code(language: str) -> str:
    return known_code(language) or language
