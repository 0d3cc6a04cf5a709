"""The account of an output: its ledger, its failures, its runs, and the time of each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.output.commits import read_commits
from beam_audio.output.ledger import read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.output.ledger import Ledger
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_FAILURES: Final = 100


def account_of(tables: Tables, runs: Iterable[Row], ledger: Ledger) -> Row:
    """What became of every input and second, and how long it took.

    Args:
        tables: The output.
        runs: Its run files.
        ledger: What :func:`ledger_of` found.
    """
    return {
        "ledger": _balance(ledger),
        "failed": tables.rows(
            "SELECT unit, stage, error_type, uri, message FROM failures "
            'ORDER BY "when" DESC, uri, message LIMIT ?',
            _MOST_FAILURES,
        ),
        "runs": [_run(run) for run in runs],
        "stages": _stages(tables),
    }


def ledger_of(tables: Tables) -> Ledger:
    """The ledger of all inputs that are committed.

    Raises:
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    listed = (name for commit in read_commits(tables.root) for name in commit.sources)
    return read_ledger(tables.root, listed, counted=tables.counted)


def _balance(ledger: Ledger) -> Row:
    return {
        "balances": ledger.balances,
        "inputs": ledger.inputs,
        "missing": len(ledger.missing),
        "recordings": ledger.recordings,
        "unbalanced": len(ledger.unbalanced),
        "hours": {name: seconds / 3600 for name, seconds in ledger.seconds.items()},
        "failures": [
            {"unit": unit, "stage": stage, "error_type": error_type, "count": count}
            for (unit, stage, error_type), count in ledger.failures.items()
        ],
        "recording_reasons": ledger.reasons,
    }


def _run(run: Row) -> Row:
    """What people ask about a run; a run file of another version may lack some of it."""
    throughput = run.get("throughput", {})
    return {
        "run_id": run.get("run_id"),
        "model_id": run.get("model_id"),
        "rules": run.get("configuration", {}).get("rules"),
        "providers": run.get("providers", []),
        "hours": (throughput.get("decoded_seconds") or 0) / 3600,
        "wall_seconds": throughput.get("wall_seconds"),
        "times_real_time": throughput.get("times_real_time"),
        "balances": run.get("ledger", {}).get("balances"),
        "beam_audio": run.get("versions", {}).get("beam_audio"),
    }


def _stages(tables: Tables) -> Row:
    """Seconds by stage, over the units in force; those of all threads added up."""
    stages = tables.stages
    return {
        "decoded_hours": stages.decoded_seconds / 3600,
        "units": stages.units,
        "seconds": {name: round(took, 3) for name, took in sorted(stages.seconds.items())},
    }
