"""Corrections of some segments of an output, and units corrected by them in a plain loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from support.unit_runs import read

from beam_audio.curate.correct_unit import Corrected, correct_unit
from beam_audio.curate.corrected_rows import Correcting
from beam_audio.output.commits import read_commits
from beam_audio.output.corrections import Correction, read_corrections, write_corrections

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from beam_audio.quality.ruleset import Rules
    from beam_audio.types import Row

NINE = datetime(2026, 11, 27, 9, tzinfo=UTC)


def correction(row: Row, **said: object) -> Correction:
    """What Anna says of a segment."""
    place = row["recording_id"], row["start_seconds"], row["end_seconds"]
    first = Correction(*place, text=None, verdict=None, corrected_by="anna", corrected_at=NINE)
    return replace(first, **said)  # type: ignore[arg-type] # fields of it


def withdrawn(corrections: Iterable[Correction]) -> list[Correction]:
    """All of them taken back an hour later."""
    later = NINE + timedelta(hours=1)
    return [replace(each, text=None, verdict=None, corrected_at=later) for each in corrections]


def some(root: Path) -> list[Correction]:
    """Texts and verdicts of every other segment, in all recordings."""
    texts = ("And so it goes again", "今天天气很坏", "", "wir gehen 5 mal nach Hause")
    verdicts = ("keep", None, "drop", "review", None)
    rows = sorted(read(root, "segments"), key=lambda row: (row["uri"], row["segment_index"]))
    return [
        correction(row, text=texts[n % 4] if n % 3 else None, verdict=verdicts[n % 5])
        for n, row in enumerate(rows)
        if n % 2 or n > len(rows) - 4
    ]


def keep(root: Path, corrections: Iterable[Correction]) -> None:
    """Write corrections into an output."""
    write_corrections(str(root), read_corrections(str(root)), corrections)


def correct(root: Path, *rules: Rules) -> Corrected:
    """Put the corrections of an output into its rows; these rules are at hand."""
    by_id = {each.rules_id: each for each in rules}
    using = Correcting(read_corrections(str(root)), by_id.get, {})
    return Corrected.total(
        correct_unit(str(root), each, using, run_id="r") for each in read_commits(str(root))
    )
