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
or ``below``), says that one of :data:`beam_audio.quality.measures.FLAGS` ``is`` true or false, or
looks at one of :data:`beam_audio.quality.measures.TEXTS` or a key of the metadata,
``metadata.speaker``: it ``is`` a text, ``contains`` one in any case, or ``matches`` a regular
expression; metadata can be ``above`` or ``below`` a number, too. ``outside_quartiles: 1.5`` says
that a measure lies more than so many quartile ranges outside the quartiles of all segments of its
language; only ``curate`` knows these. A missing value meets no condition.

``languages`` and ``sources`` list the languages and the patterns of addresses that a rule stands
for; without them it stands for all. The decision ``keep`` only notes its reason. ``unspoken: true``
marks a reason for which a segment's text counts as words that nobody said. The presets are in
``beam_audio/data/rules``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from beam_audio.errors import ConfigError, InputError
from beam_audio.quality.languages import language_code
from beam_audio.quality.measures import METADATA, ON_DEMAND, RULE_FLAGS, RULE_MEASURES, RULE_TEXTS
from beam_audio.quality.ruleset import DECISIONS, Comparison, Condition, Rule, Rules
from beam_audio.quality.written_language import require_detector
from beam_audio.quality.yaml_lines import Located, located_error, parse_yaml, read_yaml
from beam_audio.spelling import nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Collection

PRESETS: Final = ("strict", "balanced", "lenient")

_COMPARISONS: Final[tuple[Comparison, ...]] = get_args(Comparison)
_OF_TEXT: Final = frozenset({"is", "contains", "matches"})
_MAX_RULES: Final = 256
_MAX_BOUND: Final = 1e12
_MAX_TEXT_CHARS: Final = 1000
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def load_rules(preset_or_file: str) -> Rules:
    """Load a preset by its name, or a file of rules.

    Raises:
        ConfigError: There is no such preset or file, its rules cannot be read, or they look at what
            a missing package tells.
    """
    if preset_or_file in PRESETS:
        return _preset(preset_or_file)
    if not Path(preset_or_file).is_file():
        raise ConfigError(
            f"rules {preset_or_file!r} are neither a preset nor a file"
            f"{nearest_or_all(preset_or_file, PRESETS)}"
        )
    rules = _rules(read_yaml(preset_or_file, preset_or_file), preset_or_file)
    if ON_DEMAND.intersection(rules.columns):
        require_detector()
    return rules


@cache
def _preset(name: str) -> Rules:
    preset = resources.files("beam_audio") / "data" / "rules" / f"{name}.yaml"
    return parse_rules(preset.read_text(encoding="utf-8"), name)


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


def _rule(entry: object, place: str) -> Rule:
    known = (
        *("reason", "decision", "unspoken", "languages", "sources", "all", "column"),
        *_COMPARISONS,
    )
    rule = _mapping(entry, known, place)
    reason, decision = rule.get("reason"), rule.get("decision")
    unspoken = rule.get("unspoken", False)
    if not isinstance(reason, str) or not _NAME.fullmatch(reason):
        raise located_error(place, rule, "reason", "reason must be snake case, such as 'wer_high'")
    if decision not in DECISIONS:
        raise located_error(
            place, rule, "decision", f"decision must be one of {', '.join(DECISIONS)}"
        )
    if not isinstance(unspoken, bool):
        raise located_error(place, rule, "unspoken", "unspoken must be true or false")
    return Rule(
        reason,
        decision,
        _conditions(rule, place),
        unspoken=unspoken,
        languages=_languages(rule, place),
        sources=_texts(rule, "sources", place),
    )


def _conditions(rule: dict[str, Any], place: str) -> tuple[Condition, ...]:
    single = {key: rule[key] for key in ("column", *_COMPARISONS) if key in rule}
    several = rule.get("all", [])
    if (
        ("all" in rule) == bool(single)
        or not isinstance(several, list)
        or len(several) > _MAX_RULES
    ):
        message = "give either one condition or a list of them under all"
        raise located_error(place, rule, "all", message)
    return tuple(sorted({_condition(each, place) for each in several or [_part(rule, single)]}))


def _languages(rule: dict[str, Any], place: str) -> tuple[str, ...]:
    try:
        return tuple(sorted({language_code(name) for name in _texts(rule, "languages", place)}))
    except InputError as error:
        raise located_error(place, rule, "languages", str(error)) from error


def _texts(rule: dict[str, Any], key: str, place: str) -> tuple[str, ...]:
    """A list of texts, sorted; empty if the rule has none."""
    given = rule.get(key)
    listed = given if isinstance(given, list) else [given]
    if key not in rule:
        return ()
    if not listed or not all(isinstance(each, str) and each for each in listed):
        raise located_error(place, rule, key, f"{key} must be a list of texts; quote them")
    return tuple(sorted(set(listed)))


def _part(rule: dict[str, Any], condition: dict[str, Any]) -> Located:
    """A condition that is written among the keys of its rule, with the rule's lines."""
    part = Located(condition)
    part.line, part.lines = getattr(rule, "line", 0), getattr(rule, "lines", {})
    return part


def _condition(entry: object, place: str) -> Condition:
    parts = ("column", *_COMPARISONS)
    condition = _mapping(entry, parts, place)
    column = condition.get("column")
    columns = (*RULE_FLAGS, *RULE_MEASURES, *RULE_TEXTS, f"{METADATA}KEY")
    if not isinstance(column, str):
        message = f"a condition needs a column, one of {', '.join(columns)}"
        raise located_error(place, condition, "column", message)
    if column not in columns and not column.startswith(METADATA):
        hint = nearest_or_all(column, columns)
        raise located_error(place, condition, "column", f"unknown column {column[:64]!r}{hint}")
    comparisons = [key for key in _COMPARISONS if key in condition]
    wanted = _comparisons_of(column)
    if len(comparisons) != 1 or comparisons[0] not in wanted:
        message = f"compare {column} by exactly one of: {', '.join(wanted)}"
        raise located_error(place, condition, "column", message)
    try:
        bound = _bound(condition[comparisons[0]], column, comparisons[0])
    except ValueError as error:
        raise located_error(place, condition, comparisons[0], str(error)) from error
    return Condition(column, comparisons[0], bound)


def _comparisons_of(column: str) -> tuple[Comparison, ...]:
    if column in RULE_FLAGS:
        return ("is",)
    if column in RULE_MEASURES:
        return ("above", "below", "outside_quartiles")
    numbers: tuple[Comparison, ...] = ("above", "below") if column.startswith(METADATA) else ()
    return ("is", "contains", "matches", *numbers)


def _bound(bound: object, column: str, comparison: Comparison) -> float | bool | str:
    """The bound of a condition.

    Raises:
        ValueError: It is of the wrong kind.
    """
    if column in RULE_FLAGS:
        if not isinstance(bound, bool):
            raise ValueError(f"{column} is a flag; compare it with true or false")
        return bound
    if comparison in _OF_TEXT:
        return _text_bound(bound, column, comparison)
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise ValueError(f"{column} is compared with a number")  # noqa: TRY004
    if not abs(bound) <= _MAX_BOUND:  # written this way, it refuses nan too
        raise ValueError(f"the bound of {column} is out of range")
    if comparison == "outside_quartiles" and bound < 0:
        raise ValueError("outside_quartiles takes a number of quartile ranges, such as 1.5")
    return float(bound)


def _text_bound(bound: object, column: str, comparison: Comparison) -> str:
    if not isinstance(bound, str) or not 0 < len(bound) <= _MAX_TEXT_CHARS:
        raise ValueError(
            f"{column} is compared with a text of 1 to {_MAX_TEXT_CHARS} characters; quote it"
        )
    if comparison == "matches":
        try:
            re.compile(bound)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{bound[:64]!r} is no regular expression: {error}") from error
    return bound


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
