"""Rules turn a segment's measures into keep, review or drop; they are data in YAML files.

A file holds a list ``rules`` and, optionally, a ``name``. A rule has a ``reason``, a ``decision``
and one condition, or several under ``all`` that must hold together::

    rules:
      - {reason: wer_high, decision: drop, column: wer, above: 0.3}
      - reason: silence
        decision: drop
        all:
          - {column: no_speech_prob, above: 0.6}
          - {column: avg_logprob, below: -1.0}

A condition compares one of :data:`beam_audio.quality.measures.MEASURES` with a number (``above``
or ``below``), or says that one of :data:`beam_audio.quality.measures.FLAGS` ``is`` true or false. A
missing measure meets no condition. The decision ``keep`` only notes its reason. ``unspoken: true``
marks a reason for which a segment's text counts as words that nobody said. The presets are in
``beam_audio/data/rules``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from beam_audio.errors import ConfigError
from beam_audio.quality.measures import RULE_FLAGS, RULE_MEASURES, round_measure
from beam_audio.quality.yaml_lines import Located, located_error, parse_yaml, read_yaml
from beam_audio.spelling import nearest_or_all
from beam_audio.types import Decision, stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beam_audio.quality.measures import Value

Comparison = Literal["above", "below", "is"]

PRESETS: Final = ("strict", "balanced", "lenient")

_DECISIONS: Final[tuple[Decision, ...]] = get_args(Decision)  # from the mildest to the strictest
_COMPARISONS: Final[tuple[Comparison, ...]] = get_args(Comparison)
_MAX_RULES: Final = 256
_MAX_BOUND: Final = 1e12
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ID_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """A column compared with a bound: a number for ``above`` and ``below``, a bool for ``is``."""

    column: str
    comparison: Comparison
    bound: float | bool

    def holds(self, value: Value) -> bool:
        """Whether the condition holds; never for a missing value."""
        if value is None:
            return False
        if self.comparison == "is":
            return bool(value) is self.bound
        return value > self.bound if self.comparison == "above" else value < self.bound


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """A decision and its reason, for segments that meet all conditions.

    ``unspoken`` says that the text of such a segment is nobody's words.
    """

    reason: str
    decision: Decision
    conditions: tuple[Condition, ...]
    unspoken: bool = False


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
            ]
            for rule in self.rules
        ]
        return f"{self.name}-{stable_id('rules', content)[:_ID_DIGITS]}"

    @cached_property
    def unspoken_reasons(self) -> frozenset[str]:
        """Reasons for which the text of a segment counts as words that nobody said."""
        return frozenset(rule.reason for rule in self.rules if rule.unspoken)

    def decide(self, values: Mapping[str, Value]) -> tuple[Decision, tuple[str, ...]]:
        """Judge one segment.

        Args:
            values: A value for every column the rules look at, as made by
                :func:`beam_audio.quality.measures.measure_all`.

        Returns:
            The strictest decision of the rules that apply (``keep`` when none does), and their
            reasons, sorted.

        Raises:
            ConfigError: A column the rules look at is not among the values.
        """
        met = [
            rule
            for rule in self.rules
            if all(c.holds(_value_of(values, c.column)) for c in rule.conditions)
        ]
        decision = max((rule.decision for rule in met), key=_DECISIONS.index, default=_DECISIONS[0])
        return decision, tuple(sorted({rule.reason for rule in met}))


def load_rules(preset_or_file: str) -> Rules:
    """Load a preset by its name, or a file of rules.

    Raises:
        ConfigError: There is no such preset or file, or its rules cannot be read.
    """
    if preset_or_file in PRESETS:
        preset = resources.files("beam_audio") / "data" / "rules" / f"{preset_or_file}.yaml"
        return parse_rules(preset.read_text(encoding="utf-8"), preset_or_file)
    if not Path(preset_or_file).is_file():
        raise ConfigError(
            f"rules {preset_or_file!r} are neither a preset nor a file"
            f"{nearest_or_all(preset_or_file, PRESETS)}"
        )
    return _rules(read_yaml(preset_or_file, preset_or_file), preset_or_file)


def parse_rules(content: str, origin: str) -> Rules:
    """Read rules from the text of a YAML file.

    Args:
        content: The YAML text; see :func:`beam_audio.quality.yaml_lines.parse_yaml`.
        origin: Where the text is from, for messages.

    Raises:
        ConfigError: The text is not valid YAML or not rules; the message names the place and the
            nearest known name.
    """
    return _rules(parse_yaml(content, origin), origin)


def _rules(parsed: object, origin: str) -> Rules:
    document = _mapping(parsed, ("name", "rules"), origin)
    name = document.get("name", "custom")
    entries = document.get("rules")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise located_error(origin, document, "name", "name must be snake case, such as 'podcasts'")
    if not isinstance(entries, list) or not 0 < len(entries) <= _MAX_RULES:
        raise located_error(
            origin, document, "rules", f"rules must be a list of 1 to {_MAX_RULES} rules"
        )
    rules = {_rule(entry, f"{origin}: rule {n}") for n, entry in enumerate(entries, 1)}
    return Rules(name, tuple(sorted(rules)))


def _value_of(values: Mapping[str, Value], column: str) -> Value:
    if column not in values:
        raise ConfigError(f"the rules look at {column!r}, and no value was given for it")
    value = values[column]
    return value if isinstance(value, bool) else round_measure(value)


def _rule(entry: object, place: str) -> Rule:
    known = ("reason", "decision", "unspoken", "all", "column", *_COMPARISONS)
    rule = _mapping(entry, known, place)
    reason, decision = rule.get("reason"), rule.get("decision")
    unspoken = rule.get("unspoken", False)
    if not isinstance(reason, str) or not _NAME.fullmatch(reason):
        raise located_error(place, rule, "reason", "reason must be snake case, such as 'wer_high'")
    if decision not in _DECISIONS:
        raise located_error(
            place, rule, "decision", f"decision must be one of {', '.join(_DECISIONS)}"
        )
    if not isinstance(unspoken, bool):
        raise located_error(place, rule, "unspoken", "unspoken must be true or false")
    single = {key: rule[key] for key in ("column", *_COMPARISONS) if key in rule}
    several = rule.get("all", [])
    if (
        ("all" in rule) == bool(single)
        or not isinstance(several, list)
        or len(several) > _MAX_RULES
    ):
        message = "give either one condition or a list of them under all"
        raise located_error(place, rule, "all", message)
    conditions = {_condition(part, place) for part in several or [_part(rule, single)]}
    return Rule(reason, decision, tuple(sorted(conditions)), unspoken=unspoken)


def _part(rule: dict[str, Any], condition: dict[str, Any]) -> Located:
    """A condition that is written among the keys of its rule, with the rule's lines."""
    part = Located(condition)
    part.line, part.lines = getattr(rule, "line", 0), getattr(rule, "lines", {})
    return part


def _condition(entry: object, place: str) -> Condition:
    parts = ("column", *_COMPARISONS)
    condition = _mapping(entry, parts, place)
    column = condition.get("column")
    columns = (*RULE_FLAGS, *RULE_MEASURES)
    if not isinstance(column, str):
        message = f"a condition needs a column, one of {', '.join(columns)}"
        raise located_error(place, condition, "column", message)
    if column not in columns:
        hint = nearest_or_all(column, columns)
        raise located_error(place, condition, "column", f"unknown column {column[:64]!r}{hint}")
    comparisons = [key for key in _COMPARISONS if key in condition]
    wanted = ("is",) if column in RULE_FLAGS else ("above", "below")
    if len(comparisons) != 1 or comparisons[0] not in wanted:
        message = f"compare {column} by exactly one of: {', '.join(wanted)}"
        raise located_error(place, condition, "column", message)
    bound = _bound(condition[comparisons[0]], column)
    if isinstance(bound, str):
        raise located_error(place, condition, comparisons[0], bound)
    return Condition(column, comparisons[0], bound)


def _bound(bound: object, column: str) -> float | bool | str:
    """The bound of a condition, or what is wrong with it."""
    if column in RULE_FLAGS:
        is_flag = isinstance(bound, bool)
        return bool(bound) if is_flag else f"{column} is a flag; compare it with true or false"
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        return f"{column} is compared with a number"
    if not abs(bound) <= _MAX_BOUND:  # written this way, it refuses nan too
        return f"the bound of {column} is out of range"
    return float(bound)


def _mapping(entry: object, known: Collection[str], place: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigError(f"{place}: expected keys and values ({', '.join(known)})")
    for key in entry:
        if key not in known:
            name = str(key)[:64]
            raise located_error(
                place, entry, str(key), f"unknown key {name!r}{nearest_or_all(name, known)}"
            )
    return entry
