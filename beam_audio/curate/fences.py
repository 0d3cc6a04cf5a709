"""Fences of a corpus: how far from the quartiles of its language a measure may lie.

A first pass over the corpus counts values in fixed bins. Counts add up in any order, and a quartile
read from them is within 1 % of the exact one. A second pass judges by rules whose fences are
numbers.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from beam_audio.quality.languages import known_code
from beam_audio.quality.measures import round_measure
from beam_audio.quality.ruleset import LANGUAGE, Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.curate.evidence import Evidence
    from beam_audio.quality.ruleset import Rule, Rules

RELATIVE_ERROR: Final = 0.01
_SMALLEST: Final = 1e-4
"""Measures are rounded to so many decimals; what is nearer to zero is zero."""
_GROWTH: Final = np.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
_QUARTILES: Final = (0.25, 0.75)


@dataclass(frozen=True, slots=True)
class Sketch:
    """How often values of each measure lie in each bin, by measure and language."""

    bins: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: Evidence, columns: Iterable[str]) -> Self:
        """The sketch of some segments; those without a language, and missing values, are not in."""
        rows = np.arange(len(evidence))
        codes = np.array(
            [known_code(str(each or "")) or "" for each in evidence.texts(LANGUAGE, rows)],
            dtype=object,
        )
        found = {}
        for column, language in product(sorted(columns), sorted(set(codes) - {""})):
            values = evidence.numbers(column)[codes == language]
            numbers, counts = np.unique(_bin(values[~np.isnan(values)]), return_counts=True)
            found[column, language] = Counter(
                dict(zip(numbers.tolist(), counts.tolist(), strict=True))
            )
        return cls(found)

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together, in any order."""
        bins: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for part in parts:
            for key, counts in part.bins.items():
                bins[key].update(counts)
        return cls(dict(bins))

    def to_json(self) -> bytes:
        """As JSON."""
        return json.dumps([[*key, counts] for key, counts in sorted(self.bins.items())]).encode()

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """What :meth:`to_json` wrote."""
        return cls(
            {
                (column, language): Counter({int(number): n for number, n in counts.items()})
                for column, language, counts in json.loads(content)
            }
        )

    def quantile(self, column: str, language: str, share: float) -> float | None:
        """The value below which this share of the values lies; None without values."""
        counts = self.bins.get((column, language), Counter())
        rank = share * (counts.total() - 1)
        below = 0
        for number, count in sorted(counts.items()):
            below += count
            if below > rank:
                return _middle(number)
        return None


def with_fences(rules: Rules, sketch: Sketch) -> Rules:
    """The rules with their fences as numbers, for each language of the corpus.

    Their id names the rules and then the corpus. Segments of other languages, or of none, are
    outside no fence.
    """
    if not rules.fenced_columns:
        return rules
    fenced = (each for rule in rules.rules for each in _fenced(rule, sketch))
    return replace(rules, name=f"{rules.rules_id}-corpus", rules=tuple(sorted(fenced)))


def _fenced(rule: Rule, sketch: Sketch) -> Iterator[Rule]:
    """A rule of fences as one for each language and side."""
    fences = [each for each in rule.conditions if each.comparison == "outside_quartiles"]
    if not fences:
        yield rule
        return
    others = tuple(each for each in rule.conditions if each not in fences)
    languages = {language for _, language in sketch.bins}
    for language in sorted(languages.intersection(rule.languages) if rule.languages else languages):
        for sides in product(*(_sides(each, language, sketch) for each in fences)):
            conditions = tuple(sorted({*others, *sides}))
            yield replace(rule, conditions=conditions, languages=(language,))


def _sides(fence: Condition, language: str, sketch: Sketch) -> list[Condition]:
    """Below the lower fence, and above the upper one; none where there are no values."""
    low, high = (sketch.quantile(fence.column, language, share) for share in _QUARTILES)
    if low is None or high is None:
        return []
    room = fence.number * (high - low)
    return [
        Condition(fence.column, "below", round_measure(low - room) or 0.0),
        Condition(fence.column, "above", round_measure(high + room) or 0.0),
    ]


def _bin(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.int64]:
    """Number of the bin of each value: 0 about zero, then by the logarithm, on both sides."""
    sizes = np.maximum(np.abs(values) / _SMALLEST, 0.5)
    numbers = np.ceil(np.log(sizes) / _GROWTH).astype(np.int64) + 1
    return np.where(sizes < 1, 0, np.sign(values).astype(np.int64) * np.maximum(numbers, 1))


def _middle(number: int) -> float:
    """The value of a bin that is nowhere further than the relative error from its values."""
    if number == 0:
        return 0.0
    upper = _SMALLEST * np.exp((abs(number) - 1) * _GROWTH)
    return float(np.sign(number) * upper * (1 - RELATIVE_ERROR))
