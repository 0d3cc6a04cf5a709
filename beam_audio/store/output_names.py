"""The name of everything that may be in an output folder, and what it means.

The table is in this room because readers of inputs need it too: they leave outputs out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from beam_audio.schema import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLES: Final[tuple[Table, ...]] = get_args(Table)
PARTS: Final = "part-*.parquet"
SHARED: Final = "shared"
SHARED_PARTS: Final = f"part-{SHARED}-*.parquet"
COMMITS: Final = "_units"
RUN_LOCK: Final = f"{COMMITS}/.run"
BATCH: Final = f"{COMMITS}/.batch"
LAYOUT: Final = f"{COMMITS}/.layout"
CLAIMS: Final = "_claims"
LOCK: Final = ".lock"
RUN_FILES: Final = "run-*.json"
REPORT: Final = "report.html"
LEDGERS: Final = "ledger"
PLACES: Final = "_places"
INDEXED: Final = f"{PLACES}/indexed"
OUTBOX: Final = "_outbox"
PAYLOADS: Final = "_payloads"
SAVED_WORK: Final = "_parts"
DECISIONS: Final = "decisions"
CORRECTIONS: Final = "corrections"
FORGOTTEN: Final = "_forgotten"
EXPORTS: Final = "_exports"
REGISTRATIONS: Final = "_registered"
CATALOG: Final = "_tables"
DELTA_LOG: Final = "_delta_log"
SEARCH: Final = "_search"
INDEX: Final = "index.sqlite"
TEMPORARY: Final = "_tmp"

NAMES: Final[Mapping[str, str]] = {
    **{
        f"{table}/**{PARTS}": "Rows of a table; folders are named after the partition keys."
        for table in TABLES
    },
    f"**/{SHARED_PARTS}": "Rows of several units, merged into one file by compact.",
    f"{COMMITS}/*.json": "Commit record of a unit: its inputs and the part files that count.",
    RUN_LOCK: "Locked by every run that writes here; a new run then does not clean up.",
    BATCH: "The batch that is writing here: no second one begins meanwhile.",
    LAYOUT: "How the first run lays out the files; others must do the same.",
    f"{CLAIMS}/*.json": "The inputs of a unit that a batch is working on or has done.",
    f"**/{LOCK}": "Locked while a file beside it is replaced.",
    RUN_FILES: "How a batch run ended: configuration, versions, ledger and throughput.",
    REPORT: "The page of report: figures, and texts and clips of some segments.",
    f"{LEDGERS}/*.json": "How an interval of a stream ended.",
    f"{PLACES}/**/*.json": "Who reserved the inputs found at one place, for streams.",
    INDEXED: "Up to when commit records were copied into the reservations.",
    f"{OUTBOX}/*-*": "A unit and version whose rows are still to be published.",
    f"{PAYLOADS}/*": "Audio too large to travel with its message, and messages nobody could read.",
    f"{SAVED_WORK}/**": "What was recognised in long recordings that have no rows yet.",
    f"{DECISIONS}/**{PARTS}": "What segments were judged by earlier rules, for curate --restore.",
    f"{CORRECTIONS}/*.json": "What people corrected in one recording, by times.",
    f"{FORGOTTEN}/key": "What the hashes of forgotten recordings are keyed with.",
    f"{FORGOTTEN}/*.json": "Hashes of forgotten recordings, so that none comes back.",
    f"{EXPORTS}/*.json": "Where segments were exported to.",
    f"{REGISTRATIONS}/*.json": "A table format that the rows are registered with.",
    f"{CATALOG}/**": "Iceberg's catalog and metadata, and SQL for DuckDB and BigQuery.",
    **{f"{table}/{DELTA_LOG}/**": "Which part files Delta's table holds." for table in TABLES},
    f"{SEARCH}/{INDEX}*": "Index of texts and embeddings, which search makes and keeps fresh.",
    f"{TEMPORARY}/**": "Files that are being written, and the ids of a run's inputs.",
}
"""Meaning by name, a pattern as :func:`beam_audio.store.match` takes it."""


def part_file(part_id: str) -> str:
    """Name of a part file, without its folder."""
    return PARTS.replace("*", part_id)


def run_file(run_id: str) -> str:
    """Name of a run file."""
    return RUN_FILES.replace("*", run_id)


def run_inputs(run_id: str) -> str:
    """Name of the temporary folder that holds the ids of a run's inputs."""
    return f"run-{run_id}-inputs"
