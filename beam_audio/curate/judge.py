"""What rules decide about the segments of a unit, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from beam_audio.quality.measures import RULE_FLAGS, RULE_MEASURES
from beam_audio.quality.ruleset import LANGUAGE, URI, verdict
from beam_audio.unit.scoring import at_best_reviewed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.curate.evidence import Evidence
    from beam_audio.quality.ruleset import Condition, Rule, Rules
    from beam_audio.types import Decision


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What was decided about each segment, in their order: a text and a list of texts each."""

    decisions: pa.Array
    reasons: pa.Array


def judge(evidence: Evidence, rules: Rules) -> Verdicts:
    """Judge the segments of a unit as :meth:`Rules.decide` judges each.

    Raises:
        ConfigError: The rules compare with a corpus and were not given its fences.
    """
    met = [_meets(evidence, rule) for rule in rules.rules]
    table = np.stack([*met, evidence.score_failed], axis=1)
    # Few sets of rules are met together: each is looked at once.
    sets, numbers = np.unique(np.packbits(table, axis=1), axis=0, return_inverse=True)
    unpacked = np.unpackbits(sets, axis=1, count=table.shape[1]).astype(np.bool_)
    found = [_verdict(rules, each[:-1].tolist(), failed=bool(each[-1])) for each in unpacked]
    places = pa.array(numbers.reshape(-1))
    decisions, reasons = zip(*found, strict=True) if found else ((), ())
    return Verdicts(
        pa.array(decisions, pa.string()).take(places),
        pa.array(reasons, pa.list_(pa.string())).take(places),
    )


def _verdict(
    rules: Rules, met: Sequence[bool], *, failed: bool
) -> tuple[Decision, tuple[str, ...]]:
    decided = verdict(rule for rule, holds in zip(rules.rules, met, strict=True) if holds)
    return at_best_reviewed(*decided) if failed else decided


def _meets(evidence: Evidence, rule: Rule) -> NDArray[np.bool_]:
    """Whether each segment meets all conditions; texts are looked at last, and where needed."""
    met = np.ones(len(evidence), dtype=np.bool_)
    slow = []
    for condition in rule.conditions:
        if condition.column in RULE_FLAGS:
            met &= evidence.flags(condition.column) == condition.bound
        elif condition.column in RULE_MEASURES:
            met &= _compared(evidence.numbers(condition.column), condition)
        else:
            slow.append(condition)
    if rule.languages or rule.sources:
        rows = np.flatnonzero(met)
        pairs = zip(evidence.texts(LANGUAGE, rows), evidence.texts(URI, rows), strict=True)
        met[rows] = [rule.stands_for(language, uri) for language, uri in pairs]
    for condition in slow:
        rows = np.flatnonzero(met)
        met[rows] = [condition.holds(each) for each in evidence.texts(condition.column, rows)]
    return met


def _compared(values: NDArray[np.float64], condition: Condition) -> NDArray[np.bool_]:
    if condition.comparison == "above":
        return values > condition.number
    if condition.comparison == "below":
        return values < condition.number
    condition.holds(0.0)  # it says what knows the quartiles of a corpus
    raise AssertionError(condition)
