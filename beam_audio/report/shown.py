"""The segments a person should look at: the worst, and those nearest to a threshold."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Final

from beam_audio.quality.measures import RULE_FLAGS, RULE_MEASURES
from beam_audio.report.rules_in_force import margin_queries
from beam_audio.report.verdicts import differences, values_of, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.quality.ruleset import Rules
    from beam_audio.report.figures import Summary
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

MOST: Final = 100
"""Segments in each of the two lists."""

_SHOWN: Final = (
    *("segment_id", "recording_id", "source_id", "uri", "channel", "track", "segment_index"),
    *("start_seconds", "end_seconds", "duration_seconds", "text", "reference_text", "decision"),
    *("reasons", "rules_id", "config_id", "model_id", "heard_language", "normalizer_id", "wer"),
    *("cer", "wer_hits", "wer_substitutions", "wer_deletions", "wer_insertions"),
    *("reference_origin", "corrected_by", "rules_decision", "rules_reasons"),
)


def worst(tables: Tables) -> list[str]:
    """Ids of the worst segments: by error rate, then, without a reference, by confidence."""
    rows = tables.rows(
        "SELECT segment_id FROM segments ORDER BY coalesce(wer, cer) DESC NULLS LAST, "
        "wer_errors DESC NULLS LAST, avg_logprob ASC NULLS LAST, segment_id LIMIT ?",
        MOST,
    )
    return [row["segment_id"] for row in rows]


def borderline(tables: Tables, measures: Iterable[Summary], rules: Rules | None) -> list[Row]:
    """Segments nearest to the edge of a rule: id, the rule's reason, and the distance.

    Distances count spreads of a measure. There are none if the rules are not known.
    """
    spreads = {each.name: each.spread for each in measures if each.spread}
    queries = margin_queries(rules, spreads)
    if not queries:
        return []
    margins = ", ".join(f"({query}) AS margin_{n}" for n, query in enumerate(queries.values()))
    names = [f"margin_{n}" for n in range(len(queries))]
    nearest = names[0] if len(names) == 1 else f"least({', '.join(names)})"
    which = " ".join(f"WHEN {name} = distance THEN {n}" for n, name in enumerate(names))
    rows = tables.rows(
        f"SELECT segment_id, distance, CASE {which} END AS number FROM "
        f"(SELECT segment_id, {', '.join(names)}, {nearest} AS distance FROM "
        f"(SELECT segment_id, {margins} FROM segments)) "
        "WHERE distance IS NOT NULL ORDER BY distance, segment_id LIMIT ?",
        MOST,
    )
    reasons = list(queries)
    return [
        {
            "segment_id": row["segment_id"],
            "reason": reasons[row["number"]],
            "distance": round(row["distance"], 6),
        }
        for row in rows
    ]


def stored_segments(tables: Tables, ids: Sequence[str]) -> dict[str, Row]:
    """Rows of segments by id, without audio."""
    rows = tables.rows(
        "SELECT * FROM all_segments WHERE segment_id IN (SELECT unnest(?::VARCHAR[]))", list(ids)
    )
    return {row["segment_id"]: row for row in rows}


def stored_recordings(tables: Tables, ids: Sequence[str]) -> dict[str, Row]:
    """Rows of recordings by id."""
    rows = tables.rows(
        "SELECT * FROM recordings WHERE recording_id IN (SELECT unnest(?::VARCHAR[]))", list(ids)
    )
    return {row["recording_id"]: row for row in rows}


def describe(segment: Row, recording: Row, rules: Rules | None) -> Row:
    """One segment with its values, the verdict of each rule, and how it differs."""
    values = values_of(segment, recording, rules.columns if rules else ())
    language = recording["stated_language"] or segment["heard_language"]
    return {
        **{name: segment[name] for name in _SHOWN},
        "corrected_at": at.astimezone(UTC).isoformat() if (at := segment["corrected_at"]) else None,
        "language": segment["text_language"],
        "metadata": json.loads(segment["metadata"]),
        "values": {name: values[name] for name in (*RULE_MEASURES, *RULE_FLAGS)},
        "verdicts": verdicts(rules, values, segment["rules_reasons"] or segment["reasons"]),
        "differences": differences(segment, language),
    }
