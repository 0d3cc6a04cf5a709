"""What classifiers and speaker networks heard in an output: sorts of sound, events, and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.classifiers.sounds import BORDER

if TYPE_CHECKING:
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_EVENTS: Final = 20
_SORT: Final = (
    f"CASE WHEN speech_score >= {BORDER} THEN 'speech' WHEN music_score > {BORDER} THEN 'music' "
    "ELSE 'other' END"
)
"""As :func:`beam_audio.classifiers.sounds.sort_of` sorts."""
_HOURS: Final = "sum(core_end_seconds - core_start_seconds) / 3600 AS hours"
"""A core counts each second once."""


def heard_of(tables: Tables) -> Row:
    """What sounds and who speaks, over all segments that somebody listened to.

    Args:
        tables: The output.

    Returns:
        ``sounds``: segments and hours that are speech, music or something else. ``events``: the
        labels that sound longest, with segments and hours. ``people``: recordings and hours by how
        many people speak in them. ``overlap``: segments in which people speak at once, for how
        many seconds, and how many persons are told apart over all recordings, null if that was not
        asked. What nobody listened for is empty, and ``overlap`` null.
    """
    asked = tables.row(
        "SELECT count(audio_events) AS events, count(speaker_turns) AS turns FROM all_segments"
    )
    return {
        "sounds": tables.rows(
            f"SELECT {_SORT} AS sort, count(*) AS segments, {_HOURS} FROM all_segments "
            "WHERE speech_score IS NOT NULL AND music_score IS NOT NULL "
            "GROUP BY sort ORDER BY hours DESC, sort"
        ),
        "events": _events(tables) if asked["events"] else [],
        "people": _people(tables) if asked["turns"] else [],
        "overlap": _overlap(tables) if asked["turns"] else None,
    }


def _events(tables: Tables) -> list[Row]:
    return tables.rows(
        "SELECT event.label AS label, count(DISTINCT segment_id) AS segments, "
        "sum(event.end_seconds - event.start_seconds) / 3600 AS hours FROM "
        "(SELECT segment_id, unnest(audio_events) AS event FROM all_segments) "
        f"GROUP BY label ORDER BY hours DESC, label LIMIT {_MOST_EVENTS}"
    )


def _people(tables: Tables) -> list[Row]:
    """Recordings by how many people speak; the hours are those of their segments."""
    return tables.rows(
        "SELECT people, count(*) AS recordings, sum(hours) AS hours FROM ("
        f"SELECT recording_id, {_HOURS}, len(list_distinct(flatten(list("
        "[turn.speaker FOR turn IN speaker_turns])))) AS people "
        "FROM all_segments WHERE speaker_turns IS NOT NULL GROUP BY recording_id) "
        "GROUP BY people ORDER BY people"
    )


def _overlap(tables: Tables) -> Row:
    return tables.row(
        "SELECT count(*) FILTER (speaker_overlap_seconds > 0) AS segments, "
        "coalesce(sum(speaker_overlap_seconds), 0) AS seconds, "
        "nullif(count(DISTINCT corpus_speaker), 0) AS persons "
        "FROM all_segments WHERE speaker_turns IS NOT NULL"
    )
