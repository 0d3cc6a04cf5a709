"""The committed rows of an output as tables of DuckDB, on disk and without texts and audio.

Part files are read once, row group by row group. What figures are taken from goes into a temporary
database, so memory does not grow with the number of segments.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.output.commits import is_shared, read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.parts import opened_part
from beam_audio.quality.languages import LANGUAGES_WITHOUT_WORD_SPACES
from beam_audio.quality.measures import MEASURE_DECIMALS, RULE_MEASURES
from beam_audio.schema import AUDIO, column_names
from beam_audio.store.output_names import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.quality.ruleset import Rules
    from beam_audio.schema import Table
    from beam_audio.types import Row

_MEMORY: Final = "1GB"
_COPY_ROWS: Final = 4_096

_PLAIN: Final = (
    *("segment_id", "recording_id"),
    *("text_language", "model_id", "decision", "reasons"),
    "metadata",
)
_SPEECH_SECONDS: Final = (
    "coalesce(list_sum([each.end_seconds - each.start_seconds FOR each IN speech]::DOUBLE[]), 0)"
)
_DERIVED: Final = {
    "text_chars": "length(text)",
    "speech_seconds": "spoken",
    "chars_per_speech_second": "chars_per_second * duration_seconds / nullif(spoken, 0)",
    "words_per_speech_second": "words_per_second * duration_seconds / nullif(spoken, 0)",
}
"""Measures that are no columns, from those that are; ``spoken`` are the seconds of speech."""
_OTHER: Final = {
    "seconds": "core_end_seconds - core_start_seconds",
    "folder": "regexp_replace(uri, '/[^/]*$', '')",
    "has_reference": "reference_text IS NOT NULL",
    "empty_reference": "reference_text IS NOT NULL AND wer IS NULL AND cer IS NULL",
    "word_spaces": "coalesce(text_language NOT IN ({}), true)".format(
        ", ".join(f"'{code}'" for code in sorted(LANGUAGES_WITHOUT_WORD_SPACES))
    ),
    "wer_errors": "CASE WHEN wer IS NOT NULL THEN "
    "wer_substitutions + wer_deletions + wer_insertions END",
    "wer_words": "CASE WHEN wer IS NOT NULL THEN wer_hits + wer_substitutions + wer_deletions END",
}
"""Further columns of the table of segments. Times are seconds; a core counts each second once."""


@dataclass(slots=True)
class Stages:
    """How long the units in force took.

    Attributes:
        units: How many they are.
        decoded_seconds: Source seconds decoded.
        seconds: Seconds by stage, those of all threads added up.
    """

    units: int = 0
    decoded_seconds: float = 0.0
    seconds: Counter[str] = field(default_factory=Counter)

    def add(self, commit: Commit) -> None:
        """Add a unit."""
        self.units += 1
        self.decoded_seconds += commit.decoded_seconds
        self.seconds.update(commit.stage_seconds)


@dataclass(frozen=True, slots=True)
class Tables:
    """An output that is open for questions.

    Attributes:
        root: The output folder.
        counted: What counts in it.
        stages: How long its units took.
        database: Has views ``all_segments``, ``recordings`` and ``failures`` of the part files,
            with all columns but audio, and with ``part``, the name of the file.
    """

    root: str
    counted: Counted
    stages: Stages
    database: duckdb.DuckDBPyConnection

    def rows(self, query: str, *values: object) -> list[Row]:
        """The rows that a query gives, as dictionaries.

        Args:
            query: SQL, with ``?`` for each value.
            values: The values.
        """
        found = self.database.execute(query, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, *values: object) -> Row:
        """The only row that a query gives."""
        (row,) = self.rows(query, *values)
        return row


@contextmanager
def opened_tables(root: str) -> Iterator[Tables]:
    """An output, open for questions inside the block.

    Raises:
        ConfigError: There is no committed row, or another version of the schema.
        InputError: A part file is missing.
        StoreError: A part file or a commit record is damaged.
    """
    counted, stages = Counted(), Stages()
    for commit in read_commits(root):
        if not commit.is_closed:
            counted.add(commit)
            stages.add(commit)
    if not stages.units:
        raise ConfigError(f"{root!r} holds no rows; give the --output of a run that has ended")
    with tempfile.TemporaryDirectory(prefix="beam-audio-report-") as folder:
        database = duckdb.connect(
            str(Path(folder, "tables.duckdb")),
            config={
                "memory_limit": _MEMORY,
                "temp_directory": folder,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": False,
            },
        )
        try:
            near = Path(folder, "output")
            for table in TABLES:
                _bring_near(root, counted.files_of(table), near)
                _view(database, table, near, counted)
            yield Tables(root, counted, stages, database)
        except duckdb.Error as error:
            raise StoreError(
                f"the tables of {root!r} cannot be read ({error}); if a run or curate is writing "
                "there, wait for its end and try again"
            ) from error
        finally:
            database.close()


def _bring_near(root: str, names: Sequence[str], near: Path) -> None:
    """Make the part files readable for DuckDB below a folder, under their names.

    A local output is linked to: DuckDB takes names for patterns, and those inside an output have
    none of a pattern's characters. Part files in a bucket are copied, without audio.
    """
    if store.scheme(root) is None:
        if not near.exists():
            near.symlink_to(Path(root).absolute())
        return
    for name in names:
        copy = near / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        with opened_part(store.join(root, name)) as part:
            schema = part.schema_arrow.remove_metadata()
            if AUDIO in schema.names:
                schema = schema.remove(schema.get_field_index(AUDIO))
            with pq.ParquetWriter(copy, schema, compression="zstd") as writer:
                for batch in part.iter_batches(_COPY_ROWS, columns=schema.names):
                    writer.write_batch(batch)


def _view(database: duckdb.DuckDBPyConnection, table: Table, near: Path, counted: Counted) -> None:
    """Make the valid rows of a table a view, with the name of the part file they are in.

    Columns that no file has are null.
    """
    view = "all_segments" if table == "segments" else table
    names = counted.files_of(table)
    if not names:
        columns = ", ".join(f"NULL AS {name}" for name in sorted(column_names(table)))
        database.execute(f"CREATE VIEW {view} AS SELECT {columns}, NULL AS part WHERE false")
        return
    shared = f"counted_{table}"
    database.execute(f"CREATE TABLE {shared} (part VARCHAR, source_id VARCHAR)")
    for name in names:
        if (sources := counted.sources(name)) is not None:
            database.execute(f"INSERT INTO {shared} SELECT ?, unnest(?)", [name, sorted(sources)])
    files = ", ".join(_quoted(f"{near}/{name}") for name in names)
    read = (
        f"read_parquet([{files}], union_by_name = true, filename = 'part', "
        "hive_partitioning = false)"
    )
    held = _columns_of(database, f"SELECT * FROM {read}")
    unwanted = ", ".join(["part", *({AUDIO} & held)])
    missing = "".join(f", NULL AS {name}" for name in sorted(column_names(table) - held))
    # Of a file that units share, only the rows of inputs that are counted there are valid.
    valid = (
        f"WHERE part NOT IN (SELECT part FROM {shared}) "
        f"OR (part, source_id) IN (SELECT (part, source_id) FROM {shared})"
    )
    part = f"part[{len(str(near)) + 2}:] AS part"
    database.execute(
        f"CREATE VIEW {view} AS SELECT * FROM "
        f"(SELECT * EXCLUDE ({unwanted}), {part}{missing} FROM {read}) "
        + (valid if any(map(is_shared, names)) else "")
    )


def keep_figures(tables: Tables, rules: Rules | None) -> tuple[str, ...]:
    """Read the segments once, into a table ``segments`` of what figures are taken from.

    ``held_by`` is the only reason that a segment is not kept for; null if it is kept, ``+`` for
    several reasons or none.

    Args:
        tables: The output.
        rules: Those that judged it; None where they are not known.

    Returns:
        The columns of the table that are measures, sorted.
    """
    held = _columns_of(tables.database, "SELECT * FROM all_segments")
    measures = {name: name for name in RULE_MEASURES if name in held} | _DERIVED
    held_by = (
        "CASE WHEN decision = 'keep' THEN NULL WHEN len(against) = 1 THEN against[1] ELSE '+' END"
    )
    columns = [
        *_PLAIN,
        *(
            f"round(({source})::DOUBLE, {MEASURE_DECIMALS}) AS {name}"
            for name, source in sorted(measures.items())
        ),
        *(f"{source} AS {name}" for name, source in _OTHER.items()),
        f"{held_by} AS held_by",
    ]
    notes = ", ".join(f"'{reason}'" for reason in ["", *_notes(rules)])
    against = f"[each FOR each IN reasons IF each NOT IN ({notes})]"
    tables.database.execute(
        f"CREATE TABLE segments AS SELECT {', '.join(columns)} FROM "
        f"(SELECT *, {_SPEECH_SECONDS} AS spoken, {against} AS against FROM all_segments)"
    )
    return tuple(sorted(measures))


def _notes(rules: Rules | None) -> list[str]:
    """Reasons that stand against no segment."""
    known = rules.rules if rules else ()
    against = {rule.reason for rule in known if rule.decision != "keep"}
    return sorted({rule.reason for rule in known} - against)


def _columns_of(database: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    described: Iterable[Any] = database.execute(f"DESCRIBE {query}").fetchall()
    return {row[0] for row in described}


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
