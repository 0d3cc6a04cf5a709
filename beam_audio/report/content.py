"""All that a report tells of an output, as one value for JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.report import shown
from beam_audio.report.account import account_of, ledger_of
from beam_audio.report.figures import figures_of, summaries
from beam_audio.report.heard import heard_of
from beam_audio.report.rules_in_force import find_rules, run_files
from beam_audio.report.tables import keep_figures
from beam_audio.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row


@dataclass(frozen=True, slots=True)
class Report:
    """A report on an output.

    Attributes:
        content: All that it tells, ready for JSON; no audio.
        segments: Rows of the segments that it shows, in their order.
        recordings: Rows of their recordings by id.
    """

    content: Row
    segments: list[Row]
    recordings: dict[str, Row]


def report_of(tables: Tables, given: str | None = None) -> Report:
    """Figures, account, and the segments to look at.

    Args:
        tables: The output.
        given: The preset or file of the rules that judged it; None where it is to be found.

    Raises:
        ConfigError: The rules given are not those that judged it.
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    # The ledger is added up in Python meanwhile: DuckDB lets other threads run.
    with ThreadPoolExecutor(1) as pool:
        ledger = pool.submit(ledger_of, tables)
        runs = run_files(tables.root)
        judged_by = rules_ids(tables)
        rules = find_rules(judged_by[0], runs, given) if judged_by else None
        measures = summaries(tables, keep_figures(tables, rules))
        figures = figures_of(tables, measures, rules)
        worst, borderline = shown.worst(tables), shown.borderline(tables, measures, rules)
        ids = list(dict.fromkeys([*worst, *(each["segment_id"] for each in borderline)]))
        stored = shown.stored_segments(tables, ids)
        segments = [stored[each] for each in ids]
        recordings = shown.stored_recordings(tables, [row["recording_id"] for row in segments])
        content = {
            "output": tables.root,
            "schema_version": SCHEMA_VERSION,
            "rules": {
                "id": judged_by[0] if judged_by else None,
                "known": rules is not None,
                "others": judged_by[1:],
            },
            **figures,
            "heard": heard_of(tables),
            "account": account_of(tables, runs, ledger.result()),
            "worst": worst,
            "borderline": borderline,
            "segments": [
                shown.describe(row, recordings[row["recording_id"]], rules) for row in segments
            ],
        }
    return Report(content, segments, recordings)


def rules_ids(tables: Tables) -> list[str]:
    """Ids of the rules that judged the segments, those of most segments first."""
    rows = tables.rows(
        "SELECT rules_id FROM all_segments GROUP BY rules_id ORDER BY count(*) DESC, rules_id"
    )
    return [row["rules_id"] for row in rows]
