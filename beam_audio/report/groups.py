"""Hours and error rates of segments by language, folder, model, and each key of the metadata."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_VALUES: Final = 30
"""Values of a key that are shown; the others are added up."""
_MOST_KEYS: Final = 24
_PLAIN: Final = {"language": "text_language", "folder": "folder", "model": "model_id"}

_SUMMED: Final = (
    *("segments", "seconds", "seconds_keep", "seconds_review", "seconds_drop"),
    *("wer_errors", "wer_words"),
)
_SUMS: Final = ", ".join(f"sum({name}) AS {name}" for name in _SUMMED)


def groups(tables: Tables) -> list[Row]:
    """The groups of each key: its values with the most hours, and all others together.

    ``value`` is null for segments without one, and ``others`` counts the values added up.
    """
    by_decision = ", ".join(
        f"coalesce(sum(seconds) FILTER (decision = '{decision}'), 0) AS seconds_{decision}"
        for decision in ("keep", "review", "drop")
    )
    columns = ", ".join(_PLAIN.values())
    # All segments of a recording share its metadata, so few rows remain to be taken apart.
    tables.database.execute(
        f"CREATE TABLE summed AS SELECT recording_id, {columns}, metadata, count(*) AS segments, "
        f"sum(seconds) AS seconds, {by_decision}, coalesce(sum(wer_errors), 0) AS wer_errors, "
        f"coalesce(sum(wer_words), 0) AS wer_words FROM segments "
        f"GROUP BY recording_id, {columns}, metadata"
    )
    tables.database.execute(
        "CREATE TABLE entries AS "
        + " UNION ALL ".join(
            f"SELECT {place} AS place, '{key}' AS key, {column} AS value, {_SUMS} FROM summed "
            "GROUP BY value"
            for place, (key, column) in enumerate(_PLAIN.items())
        )
        + f" UNION ALL SELECT {len(_PLAIN)} AS place, 'metadata: ' || entry.key AS key, "
        f"entry.value AS value, {_SUMS} FROM "
        "(SELECT *, unnest(map_entries(metadata::JSON::MAP(VARCHAR, VARCHAR))) AS entry "
        "FROM summed) GROUP BY entry.key, entry.value"
    )
    rows = tables.rows(
        "WITH ranked AS (SELECT *, "
        "row_number() OVER (PARTITION BY key ORDER BY seconds DESC, value) AS rank, "
        "sum(segments) OVER (PARTITION BY key) AS of_key FROM entries), "
        "keys AS (SELECT key, row_number() OVER (ORDER BY place, max(of_key) DESC, key) AS number "
        "FROM ranked GROUP BY place, key) "
        f"SELECT key, CASE WHEN rank <= {_MOST_VALUES} THEN value END AS value, "
        f"CASE WHEN rank > {_MOST_VALUES} THEN count(*) END AS others, {_SUMS} "
        "FROM ranked JOIN keys USING (key) WHERE number <= ? "
        f"GROUP BY number, key, 2, rank > {_MOST_VALUES} "
        "ORDER BY number, others IS NOT NULL, seconds DESC, 2",
        len(_PLAIN) + _MOST_KEYS,
    )
    total = tables.row(f"SELECT {_SUMS} FROM summed")
    by_key = groupby(rows, key=lambda row: row["key"])
    return [{"key": key, "values": _values(list(found), total)} for key, found in by_key]


def _values(rows: list[Row], total: Row) -> list[Row]:
    """The groups of a key, and that of the segments that do not have it."""
    rest = {name: total[name] - sum(row[name] for row in rows) for name in _SUMMED}
    without = [{"value": None, "others": None} | rest] if rest["segments"] else []
    return [_figures(row) for row in [*rows, *without]]


def _figures(row: Row) -> Row:
    return {
        "value": row["value"],
        "others": row["others"],
        "segments": int(row["segments"]),
        "hours": row["seconds"] / 3600,
        "wer": float(row["wer_errors"] / row["wer_words"]) if row["wer_words"] else None,
        "reference_words": int(row["wer_words"]),
        **{f"hours_{each}": row[f"seconds_{each}"] / 3600 for each in ("keep", "review", "drop")},
    }
