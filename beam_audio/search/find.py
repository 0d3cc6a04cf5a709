"""Segments in which words were said or somebody sounds like another, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from beam_audio.search.condition import numbers_where
from beam_audio.search.query import expression, marks, parse
from beam_audio.search.similar import similar
from beam_audio.search.word_places import second_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from beam_audio.search.query import Term
    from beam_audio.search.similar import Sound

_MOST_ALIKE: Final = 64
"""Spellings of one word that are searched for."""
_distance: Any = Levenshtein.distance  # its type is not that of a scorer
_SHORT: Final = 5
_TINY: Final = 2
"""Words of so many letters and fewer are searched for as they are."""
_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """Which segments are asked for.

    Attributes:
        limit: How many at most.
        decision: Only those of this decision; None for all.
        where: Only those that this condition of DuckDB holds for, in place of the decision.
        like: Those whose main speaker sounds most like that of this segment, or like this; None
            for the best by their words.
    """

    limit: int
    decision: str | None = None
    where: str | None = None
    like: str | Sound | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment that was found.

    Attributes:
        segment_id: The segment.
        recording_id: Its recording.
        uri: The file.
        channel: The channel, if each is a recording of its own.
        track: The track of the file, likewise.
        at_seconds: Where in the file the words begin; where the segment begins if the model gives
            no times of words.
        clip_seconds: Where in the file the segment begins.
        start_seconds: Where the segment begins in its recording, as its row has it.
        end_seconds: Where it ends.
        language: The language of the text.
        decision: What was decided about it.
        text: What was said.
        marks: The characters of the text that were searched for: starts and ends.
        score: How well it fits, the higher the better: BM25 of the words, or the cosine to what
            its speaker should sound like.
    """

    segment_id: str
    recording_id: str
    uri: str
    channel: int | None
    track: int | None
    at_seconds: float
    clip_seconds: float
    start_seconds: float
    end_seconds: float
    language: str | None
    decision: str
    text: str
    marks: tuple[tuple[int, int], ...]
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the best of so many segments, those with the words or those compared."""

    hits: tuple[Hit, ...]
    total: int


def find(database: sqlite3.Connection, words: str, asked: Asked, root: str) -> Found:
    """The segments that hold some words, or sound like another, or both.

    Args:
        database: The index of an output.
        words: What is searched for, as :func:`beam_audio.search.query.parse` takes it; may be empty
            if it is asked who sounds like another.
        asked: Which segments, and how many.
        root: The output folder; read only for a condition.

    Raises:
        ConfigError: There is no word, the condition is not understood, or there is no such segment,
            or no row to compare it with.
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    needs_word = bool(words) or asked.like is None
    terms = parse(words, lambda token: alike(database, token)) if needs_word else ()
    matched = expression(terms) if terms else None
    if asked.where is not None:
        _choose(database, numbers_where(database, matched, asked.where, root))
    if asked.like is None:
        best, total = _said(database, asked, matched)
    else:
        best, total = _sounding(database, asked.like, asked, matched)
    hits = (_hit(database, number, round(score, _DECIMALS), terms) for number, score in best)
    return Found(tuple(filter(None, hits)), total)


def alike(database: sqlite3.Connection, token: str) -> tuple[str, ...]:
    """Words of the index that are spelt like one: a letter apart, or two if it is long."""
    most = 0 if len(token) <= _TINY else 1 if len(token) <= _SHORT else 2
    query = "SELECT term FROM terms WHERE length(term) BETWEEN ? AND ?"
    terms = (term for (term,) in database.execute(query, [len(token) - most, len(token) + most]))
    found = process.extract(token, terms, scorer=_distance, score_cutoff=most, limit=_MOST_ALIKE)
    return tuple(sorted(term for term, _, _ in found))


def _said(
    database: sqlite3.Connection, asked: Asked, matched: str | None
) -> tuple[list[tuple[int, float]], int]:
    """The best segments with words, each with its score, and how many there are."""
    wanted = {"wanted": matched, "decision": asked.decision, "limit": asked.limit}
    among = f"FROM texts {_narrowed(asked)} texts MATCH :wanted"
    best = database.execute(
        f"SELECT texts.rowid, -bm25(texts) {among} ORDER BY rank, texts.rowid LIMIT :limit", wanted
    ).fetchall()
    ((total,),) = database.execute(f"SELECT count(*) {among}", wanted).fetchall()
    return best, total


def _sounding(
    database: sqlite3.Connection, like: str | Sound, asked: Asked, matched: str | None
) -> tuple[list[tuple[int, float]], int]:
    """The segments that sound most alike, each with its score, and how many were compared."""
    if matched is not None:
        query = f"SELECT texts.rowid FROM texts {_narrowed(asked)} texts MATCH :wanted"
        wanted = {"wanted": matched, "decision": asked.decision}
        _choose(database, (number for (number,) in database.execute(query, wanted)))
    is_chosen = matched is not None or asked.where is not None
    return similar(database, like, asked.limit, decision=asked.decision, is_chosen=is_chosen)


def _choose(database: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Make the table ``chosen`` of the numbers of segments."""
    rows = [(each,) for each in numbers]
    database.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (number INTEGER PRIMARY KEY)")
    database.execute("BEGIN")
    database.execute("DELETE FROM chosen")
    database.executemany("INSERT INTO chosen VALUES (?)", rows)
    database.execute("COMMIT")


def _narrowed(asked: Asked) -> str:
    """How a query is narrowed to those segments that are asked for."""
    if asked.where is not None:
        return "JOIN chosen ON chosen.number = texts.rowid WHERE"
    if asked.decision is not None:
        return (
            "JOIN segments ON segments.number = texts.rowid WHERE segments.decision = :decision AND"
        )
    return "WHERE"


def _hit(
    database: sqlite3.Connection, number: int, score: float, terms: tuple[Term, ...]
) -> Hit | None:
    found = database.execute(
        "SELECT segment_id, segments.recording_id, uri, channel, track, offset_seconds, "
        "start_seconds, end_seconds, language, decision, text, words FROM segments "
        "JOIN recordings USING (recording_id) WHERE segments.number = ?",
        [number],
    ).fetchone()
    if found is None:
        return None
    segment_id, recording_id, uri, channel, track, offset_seconds, *rest = found
    start_seconds, end_seconds, language, decision, text, words = rest
    marked = tuple(marks(text, terms)) if terms else ()
    inside = second_of(words, marked[0][0]) if words and marked else 0.0
    clip_seconds = (offset_seconds or 0.0) + start_seconds
    return Hit(
        segment_id=segment_id,
        recording_id=recording_id,
        uri=uri,
        channel=channel,
        track=track,
        at_seconds=round(clip_seconds + inside, _DECIMALS),
        clip_seconds=round(clip_seconds, _DECIMALS),
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        language=language,
        decision=decision,
        text=text,
        marks=marked,
        score=score,
    )
