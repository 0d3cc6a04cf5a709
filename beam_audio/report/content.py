"""All that a report tells of an output, as one value for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.report import shown
from beam_audio.report.account import account_of
from beam_audio.report.figures import figures_of
from beam_audio.report.rules_in_force import find_rules, run_files
from beam_audio.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from beam_audio.quality.ruleset import Rules
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row


def content_of(tables: Tables) -> Row:
    """Figures, account, and the segments to look at, without their audio.

    Args:
        tables: The output.

    Raises:
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    runs = run_files(tables.root)
    judged_by = rules_ids(tables)
    rules = find_rules(judged_by[0], runs) if judged_by else None
    return {
        "output": tables.root,
        "schema_version": SCHEMA_VERSION,
        "rules": {
            "id": judged_by[0] if judged_by else None,
            "known": rules is not None,
            "others": judged_by[1:],
        },
        **figures_of(tables, rules),
        "account": account_of(tables, runs),
        **_segments(tables, rules),
    }


def rules_ids(tables: Tables) -> list[str]:
    """Ids of the rules that judged the segments, those of most segments first."""
    rows = tables.rows(
        "SELECT rules_id FROM segments GROUP BY rules_id ORDER BY count(*) DESC, rules_id"
    )
    return [row["rules_id"] for row in rows]


def _segments(tables: Tables, rules: Rules | None) -> Row:
    worst, borderline = shown.worst(tables), shown.borderline(tables, rules)
    ids = [*worst, *(each["segment_id"] for each in borderline)]
    return {
        "worst": worst,
        "borderline": borderline,
        "segments": shown.described(tables, ids, rules),
    }
