"""The figures of an output: everything the page shows but the segments themselves.

Each figure is a query over the tables of :mod:`beam_audio.report.tables`; the results are plain
values for JSON.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.report.groups import groups
from beam_audio.report.rules_in_force import Threshold, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.quality.ruleset import Comparison, Rules
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_BARS: Final = 60
_STEPS: Final = 300
"""About so many bars a distribution has, and so many steps a sweep."""
_QUANTILES: Final = [0.001, 0.05, 0.5, 0.95, 0.999]
"""Plots reach from the first to the last; the outermost bars take what lies beyond."""
_SIDES: Final[tuple[Comparison, ...]] = ("above", "below")

_SUMS: Final = (
    "count(*) AS segments, coalesce(sum(seconds), 0) / 3600 AS hours, "
    "sum(wer_errors)::DOUBLE / nullif(sum(wer_words), 0) AS wer, "
    "coalesce(sum(wer_words), 0)::BIGINT AS reference_words"
)


@dataclass(frozen=True, slots=True)
class Summary:
    """How the values of a measure are spread; quantiles are values that occur.

    ``spread`` is half of what lies between the quantiles of 5 % and 95 %.
    """

    name: str
    lowest: float
    low: float
    median: float
    high: float
    highest: float
    spread: float
    missing: int

    def range(self, bounds: Sequence[float]) -> tuple[float, float]:
        """What a plot shows: nearly all values, and the thresholds."""
        return min(self.low, *bounds, self.high), max(self.high, *bounds, self.low)


def summaries(tables: Tables, measures: Iterable[str]) -> list[Summary]:
    """The spread of each measure that has a value."""
    found = []
    for name in measures:
        row = tables.row(
            f"SELECT min({name}) AS lowest, max({name}) AS highest, "
            f"quantile_disc({name}, {_QUANTILES}) AS quantiles, "
            f"count(*) - count({name}) AS missing FROM segments"
        )
        if row["lowest"] is not None:
            low, fifth, median, last_fifth, high = row.pop("quantiles")
            spread = (last_fifth - fifth) / 2
            found.append(Summary(name, low=low, median=median, high=high, spread=spread, **row))
    return found


def figures_of(tables: Tables, measures: Sequence[Summary], rules: Rules | None) -> Row:
    """Counts, hours, error rates, distributions and sweeps of the segments.

    Args:
        tables: The output, with its table of segments.
        measures: Those that have values.
        rules: Those that judged it; None where they are not known, and then there is no threshold.
    """
    found = list(thresholds(rules, {each.name for each in measures}))
    return {
        "total": tables.row(f"SELECT {_SUMS} FROM segments"),
        "decisions": tables.rows(f"SELECT decision, {_SUMS} FROM segments GROUP BY 1 ORDER BY 1"),
        "reasons": tables.rows(
            f"SELECT reason, decision, {_SUMS} FROM "
            "(SELECT *, unnest(reasons) AS reason FROM segments) "
            "GROUP BY 1, 2 ORDER BY segments DESC, 1, 2"
        ),
        "groups": groups(tables),
        "measures": [_distribution(tables, each, found) for each in measures],
        "sweeps": _sweeps(tables, measures, found),
    }


def nice_step(low: float, high: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that about ``count`` steps lead from low to high."""
    if high <= low:
        return 1.0
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next((each for each in (1, 2, 5) if each * power >= rough), 10)
    return float(f"{factor * power:.12g}")


def _distribution(tables: Tables, measure: Summary, found: Sequence[Threshold]) -> Row:
    """Segments by value of a measure and decision, and the thresholds on it."""
    name = measure.name
    own = [each for each in found if each.measure == name]
    ends = measure.range([each.bound for each in own if each.bound is not None])
    step = nice_step(*ends, _BARS)
    first, last = (math.floor(round(end / step, 6)) for end in ends)
    rows = tables.rows(
        f"SELECT greatest(least(floor(round({name} / {step!r}, 6))::BIGINT, {last}), {first}) "
        f"AS bar, decision, count(*) AS segments FROM segments WHERE {name} IS NOT NULL "
        "GROUP BY 1, 2"
    )
    bars = {decision: [0] * (last - first + 1) for decision in ("keep", "review", "drop")}
    for row in rows:
        bars[row["decision"]][row["bar"] - first] = row["segments"]
    shown = ("comparison", "bound", "reason", "decision")
    return {
        "name": name,
        "step": step,
        "start": float(f"{first * step:.12g}"),
        **bars,
        **{key: getattr(measure, key) for key in ("lowest", "median", "highest", "missing")},
        "thresholds": [{field: getattr(each, field) for field in shown} for each in own],
    }


def _sweeps(tables: Tables, measures: Sequence[Summary], found: Sequence[Threshold]) -> list[Row]:
    """What can be moved: each threshold that stands alone, and any bound on other measures."""
    alone = [each for each in found if each.is_alone and each.decision != "keep"]
    taken = {(each.measure, each.comparison) for each in alone}
    free = [
        Threshold(each.name, comparison, None, None, None, is_alone=True)
        for each in measures
        for comparison in _SIDES
        if (each.name, comparison) not in taken
    ]
    spread = {each.name: each for each in measures}
    return [
        _sweep(tables, each, spread[each.measure])
        for each in [*alone, *free]
        if spread[each.measure].lowest < spread[each.measure].highest
    ]


def _sweep(tables: Tables, moved: Threshold, measure: Summary) -> Row:
    """Seconds, word errors and reference words by value, among what all else would keep.

    All other rules stay as they are: a segment counts if no reason but that of the moved rule
    stands against it. Sums are by steps of the measure. Up to a threshold on a step, a sum over
    steps is exact. ``missing`` are the sums of segments without a value, which every threshold
    keeps.
    """
    name = moved.measure
    ends = measure.range([] if moved.bound is None else [moved.bound])
    step = nice_step(*ends, _STEPS)
    # What is above a bound fails: a step ends with its bound. Below, it begins with it.
    rounding = "ceil" if moved.comparison == "above" else "floor"
    first, last = (
        math.floor(round(end / step, 6)) + at for end, at in zip(ends, (0, 1), strict=True)
    )
    rows = tables.rows(
        f"SELECT CASE WHEN {name} IS NOT NULL THEN greatest(least("
        f"{rounding}(round({name} / {step!r}, 6))::BIGINT, {last}), {first}) END "
        "AS bin, sum(seconds) AS seconds, coalesce(sum(wer_errors), 0)::BIGINT AS errors, "
        "coalesce(sum(wer_words), 0)::BIGINT AS words FROM segments "
        "WHERE held_by IS NULL OR held_by = ? GROUP BY 1",
        moved.reason,
    )
    sums = {field: [0.0] * (last - first + 1) for field in ("seconds", "errors", "words")}
    missing = dict.fromkeys(sums, 0.0)
    for row in rows:
        for field, bins in sums.items():
            if row["bin"] is None:
                missing[field] = row[field]
            else:
                bins[row["bin"] - first] = round(row[field], 3)
    return {
        "measure": name,
        "comparison": moved.comparison,
        "reason": moved.reason,
        "decision": moved.decision,
        "bound": moved.bound,
        "step": step,
        "start": float(f"{first * step:.12g}"),
        **sums,
        "missing": missing,
    }
