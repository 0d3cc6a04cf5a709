"""The figures of an output: everything the page shows but the segments themselves.

Each figure is a query over the tables of :mod:`beam_audio.report.tables`; the results are plain
values for JSON.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from beam_audio.report.rules_in_force import thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.quality.ruleset import Rules
    from beam_audio.report.rules_in_force import Threshold
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_VALUES: Final = 30
"""Values of a key that are shown; the others are added up."""
_MOST_KEYS: Final = 24
_BARS: Final = 60
_STEPS: Final = 300
"""About so many bars a distribution has, and so many steps a sweep."""
_MOST_BINS: Final = 2_000
_OUTER_SHARE: Final = 0.001
"""Share of the values at each end that the outermost bars take together."""

_SUMS: Final = (
    "count(*) AS segments, coalesce(sum(seconds), 0) / 3600 AS hours, "
    "sum(wer_errors)::DOUBLE / nullif(sum(wer_words), 0) AS wer, "
    "coalesce(sum(wer_words), 0)::BIGINT AS reference_words"
)
_HOURS_BY_DECISION: Final = ", ".join(
    f"coalesce(sum(seconds) FILTER (decision = '{decision}'), 0) / 3600 AS hours_{decision}"
    for decision in ("keep", "review", "drop")
)


def figures_of(tables: Tables, rules: Rules | None) -> Row:
    """Counts, hours, error rates, distributions and sweeps of the segments.

    Args:
        tables: The output.
        rules: Those that judged it; None where they are not known, and then there is no threshold.
    """
    found = list(thresholds(rules, tables.measures))
    return {
        "total": tables.row(f"SELECT {_SUMS} FROM segments"),
        "decisions": tables.rows(f"SELECT decision, {_SUMS} FROM segments GROUP BY 1 ORDER BY 1"),
        "reasons": tables.rows(
            f"SELECT reason, decision, {_SUMS} FROM "
            "(SELECT *, unnest(reasons) AS reason FROM segments) "
            "GROUP BY 1, 2 ORDER BY segments DESC, 1, 2"
        ),
        "groups": groups(tables),
        "measures": [
            measure
            for name in tables.measures
            if (measure := _distribution(tables, name, found)) is not None
        ],
        "sweeps": [
            sweep for each in _swept(tables, found) if (sweep := _sweep(tables, each, rules))
        ],
    }


def groups(tables: Tables) -> list[Row]:
    """Hours and error rates by language, folder, model and each metadata key."""
    plain = {"language": "text_language", "folder": "folder", "model": "model_id"}
    found = [
        {"key": key, "values": _group(tables, column, [])} for key, column in plain.items()
    ]
    keys = tables.rows(
        "SELECT key, count(*) AS rows FROM "
        "(SELECT unnest(json_keys(metadata)) AS key FROM recordings) "
        "GROUP BY 1 ORDER BY rows DESC, 1 LIMIT ?",
        _MOST_KEYS,
    )
    for row in keys:
        path = '$."{}"'.format(row["key"].replace('"', '\\"'))
        values = _group(tables, "json_extract_string(metadata, ?)", [path])
        found.append({"key": f"metadata: {row['key']}", "values": values})
    return found


def _group(tables: Tables, column: str, values: list[str]) -> list[Row]:
    """Figures by the values of a column with the most hours, and of all others together.

    ``value`` is null for segments without one, and ``others`` counts the values added up.
    """
    return tables.rows(
        f"WITH valued AS (SELECT *, {column} AS value FROM segments), "
        "ranked AS (SELECT value, row_number() OVER (ORDER BY sum(seconds) DESC, value) AS place "
        "FROM valued GROUP BY value), "
        f"placed AS (SELECT valued.*, place > {_MOST_VALUES} AS is_other FROM valued JOIN ranked "
        "ON valued.value IS NOT DISTINCT FROM ranked.value) "
        "SELECT CASE WHEN NOT is_other THEN value END AS value, "
        f"CASE WHEN is_other THEN count(DISTINCT value) END AS others, {_SUMS}, "
        f"{_HOURS_BY_DECISION} FROM placed GROUP BY 1, is_other ORDER BY is_other, hours DESC, 1",
        *values,
    )


def _range(tables: Tables, name: str, bounds: Sequence[float]) -> tuple[float, float] | None:
    """What a plot of a measure shows: nearly all values, and the thresholds; None without any."""
    ends = tables.row(
        f"SELECT quantile_disc({name}, {_OUTER_SHARE}) AS low, "
        f"quantile_disc({name}, {1 - _OUTER_SHARE}) AS high FROM segments"
    )
    if ends["low"] is None:
        return None
    return min(ends["low"], *bounds, ends["high"]), max(ends["high"], *bounds, ends["low"])


def nice_step(low: float, high: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that about ``count`` steps lead from low to high."""
    if high <= low:
        return 1.0
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    factor = next((each for each in (1, 2, 5) if each * power >= rough), 10)
    return float(f"{factor * power:.12g}")


def _distribution(tables: Tables, name: str, found: Sequence[Threshold]) -> Row | None:
    """Segments by value of a measure and decision, and the thresholds on it."""
    own = [each for each in found if each.measure == name]
    ends = _range(tables, name, [each.bound for each in own])
    if ends is None:
        return None
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
    spread = tables.row(
        f"SELECT min({name}) AS lowest, median({name}) AS median, max({name}) AS highest, "
        f"count(*) - count({name}) AS missing FROM segments"
    )
    shown = ("comparison", "bound", "reason", "decision")
    limits = [{field: getattr(each, field) for field in shown} for each in own]
    start = float(f"{first * step:.12g}")
    return {"name": name, "step": step, "start": start, **bars, **spread, "thresholds": limits}


def _swept(tables: Tables, found: Sequence[Threshold]) -> list[Threshold | tuple[str, str]]:
    """What can be moved: each threshold that stands alone, and for other measures any bound."""
    alone = [each for each in found if each.is_alone and each.decision != "keep"]
    taken = {(each.measure, each.comparison) for each in alone}
    free = [
        (name, comparison)
        for name in tables.measures
        for comparison in ("above", "below")
        if (name, comparison) not in taken
    ]
    return [*alone, *free]


def _notes(rules: Rules | None) -> list[str]:
    """Reasons that stand against no segment."""
    known = rules.rules if rules else ()
    against = {rule.reason for rule in known if rule.decision != "keep"}
    return sorted({rule.reason for rule in known} - against)


def _sweep(
    tables: Tables, moved: Threshold | tuple[str, str], rules: Rules | None
) -> Row | None:
    """Seconds, word errors and reference words by value, among what all else would keep.

    All other rules stay as they are: a segment counts if no reason but that of the moved rule stands
    against it. Sums are by steps of the measure. Up to a threshold on a step, a sum over steps is
    exact. ``missing`` are the sums of segments without a value, which every threshold keeps.
    """
    is_rule = not isinstance(moved, tuple)
    name, comparison = (moved.measure, moved.comparison) if is_rule else moved
    ends = _range(tables, name, [moved.bound] if is_rule else [])
    if ends is None or ends[0] == ends[1]:
        return None
    # Without the rules, what is kept now stands for what nothing stands against.
    kept = "decision = 'keep' OR len([each FOR each IN reasons IF NOT list_contains(?, each)]) = 0"
    allowed = _notes(rules) + [moved.reason] if is_rule else _notes(rules)
    step = nice_step(*ends, _STEPS)
    # What is above a bound fails: a step ends with its bound. Below, it begins with it.
    rounding = "ceil" if comparison == "above" else "floor"
    first, last = (math.floor(round(end / step, 6)) + at for end, at in zip(ends, (0, 1), strict=True))
    rows = tables.rows(
        f"SELECT CASE WHEN {name} IS NOT NULL THEN greatest(least("
        f"{rounding}(round({name} / {step!r}, 6))::BIGINT, {last}), {first}) END "
        "AS bin, sum(seconds) AS seconds, coalesce(sum(wer_errors), 0)::BIGINT AS errors, "
        f"coalesce(sum(wer_words), 0)::BIGINT AS words FROM segments WHERE {kept} GROUP BY 1",
        allowed,
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
        "comparison": comparison,
        "reason": moved.reason if is_rule else None,
        "decision": moved.decision if is_rule else None,
        "bound": moved.bound if is_rule else None,
        "step": step,
        "start": float(f"{first * step:.12g}"),
        **sums,
        "missing": missing,
    }
