"""The rules that judged an output, found again by their id, and how near a segment is to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.quality.rules import PRESETS, load_rules
from beam_audio.store.output_names import RUN_FILES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from beam_audio.quality.ruleset import Comparison, Rule, Rules
    from beam_audio.types import Row

_FLAGS_IN_SQL: Final = frozenset({"has_reference", "empty_reference", "word_spaces"})


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound that a rule compares a measure with; without a rule, one that could be.

    ``is_alone`` says that no other measure is part of the rule, so that the bound can be moved.
    """

    measure: str
    comparison: Comparison
    bound: float | None
    reason: str | None
    decision: str | None
    is_alone: bool


def run_files(root: str) -> list[Row]:
    """The run files of an output, the oldest first; those that are damaged are left out."""
    found = []
    for file in sorted(store.files_like(root, RUN_FILES), key=lambda each: each.path):
        with store.open_to_read(file.path) as opened:
            try:
                content = json.loads(opened.read())
            except ValueError:
                continue
        if isinstance(content, dict):
            found.append(content)
    return sorted(found, key=lambda each: str(each.get("run_id", "")))


def find_rules(rules_id: str, runs: Collection[Row], given: str | None = None) -> Rules | None:
    """The rules with this id: a preset, or a file that a run was given and that is still there.

    Rules that compare with the corpus are found without the fences that they had there.

    Args:
        rules_id: As segments have it.
        runs: The run files of the output.
        given: A preset or file that is known to hold them; None where it is to be found.

    Raises:
        ConfigError: Those given cannot be read, or have another id.
    """
    if given is not None:
        rules = load_rules(given)
        if not _is_of(rules, rules_id):
            raise ConfigError(
                f"--rules={given} are {rules.rules_id}, and the segments were judged by {rules_id}"
            )
        return rules
    named = [str(run.get("configuration", {}).get("rules", "")) for run in runs]
    for name in dict.fromkeys([*PRESETS, *named]):
        try:
            rules = load_rules(name)
        except BeamAudioError:
            continue  # it is gone, or is no longer what it was
        if _is_of(rules, rules_id):
            return rules
    return None


def _is_of(rules: Rules, rules_id: str) -> bool:
    return rules_id == rules.rules_id or rules_id.startswith(f"{rules.rules_id}-corpus-")


def thresholds(rules: Rules | None, measures: Collection[str]) -> Iterator[Threshold]:
    """Every bound on one of these measures, in the order of the rules; none of unknown rules."""
    for rule in rules.rules if rules else ():
        bounds = [each for each in rule.conditions if each.comparison in {"above", "below"}]
        for each in bounds:
            if each.column in measures:
                bound = each.number
                is_alone = len(bounds) == 1
                yield Threshold(
                    each.column, each.comparison, bound, rule.reason, rule.decision, is_alone
                )


def margin_queries(rules: Rules | None, spreads: Mapping[str, float]) -> dict[str, str]:
    """SQL for how far a segment is from the edge of each rule, by reason.

    A distance is 0 on the edge, and counts spreads of the measure. It is null where a flag or a
    missing measure decides. Rules that need the texts are left out, as are those that only note.

    Args:
        rules: The rules; None where they are not known.
        spreads: The spread of each measure that is a column; above 0.
    """
    found: dict[str, list[str]] = {}
    for rule in rules.rules if rules else ():
        if rule.decision != "keep" and (query := _margin(rule, spreads)):
            found.setdefault(rule.reason, []).append(query)
    return {
        reason: queries[0] if len(queries) == 1 else f"least({', '.join(queries)})"
        for reason, queries in found.items()
    }


def _margin(rule: Rule, spreads: Mapping[str, float]) -> str | None:
    """How far the conditions of a rule are from all holding, or from one not holding."""
    if rule.sources:
        return None
    languages = ", ".join(f"'{code}'" for code in rule.languages if code.isalpha())
    distances, flags = [], [f"text_language IN ({languages})"] if languages else []
    for each in rule.conditions:
        if each.comparison in {"above", "below"} and each.column in spreads:
            sign = 1 if each.comparison == "above" else -1
            distance = f"({each.column} - {each.number!r}) * {sign / spreads[each.column]!r}"
            distances.append(distance)
        elif each.comparison == "is" and each.column in _FLAGS_IN_SQL:
            flags.append(f"{each.column} = {'true' if each.bound else 'false'}")
        else:
            return None
    if not distances:
        return None
    is_known = " AND ".join([*flags, *(f"({each}) IS NOT NULL" for each in distances)])
    nearest = distances[0] if len(distances) == 1 else f"least({', '.join(distances)})"
    return f"CASE WHEN {is_known} THEN abs({nearest}) END"
