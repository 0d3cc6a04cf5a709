"""Each rule on one stored segment: its values, whether it applies, and how texts differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import jiwer
import numpy as np

from beam_audio.errors import BeamAudioError
from beam_audio.quality.error_rates import Score, score
from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.measures import (
    RULE_MEASURES,
    Judged,
    Languages,
    Value,
    measure_all,
    round_measure,
)
from beam_audio.quality.normalizers import Normalizer
from beam_audio.quality.ruleset import LANGUAGE, URI
from beam_audio.quality.text import tokens
from beam_audio.types import Quality, Row, Segment, Transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from beam_audio.quality.ruleset import Condition, Rules

_SIGNAL: Final = (
    *("rms_dbfs", "peak_dbfs", "clipped_fraction", "speech_fraction"),
    *("snr_db", "bandwidth_hz", "loudness_lufs"),
)


def values_of(segment: Row, recording: Row, asked: Collection[str] = ()) -> dict[str, Value]:
    """Every value that rules look at, taken from a segment's row and that of its recording.

    A measure that is a column is what the column says. ``asked`` is that of
    :func:`beam_audio.quality.measures.measure_all`.
    """
    stated, heard = recording["stated_language"], segment["heard_language"]
    has_reference = segment["normalizer_id"] is not None
    languages = Languages(
        judged_as=(stated if has_reference else None) or heard or stated,
        recording=recording["language"] or recording["text_language"],
        stated=stated,
    )
    transcript = Transcript(
        text=segment["text"],
        language=heard,
        language_probability=segment["language_probability"],
        avg_logprob=segment["avg_logprob"],
        no_speech_prob=segment["no_speech_prob"],
    )
    quality = Quality(**{name: segment[name] for name in _SIGNAL})
    judged = Judged(
        _segment(segment, recording["sample_rate_hz"]),
        quality,
        transcript,
        _score(segment, recording, languages.judged_as) if has_reference else None,
        languages,
        uri=segment["uri"],
        metadata=tuple(json.loads(segment["metadata"]).items()),
    )
    values = measure_all(judged, asked)
    for name in segment.keys() & set(RULE_MEASURES):
        values[name] = round_measure(segment[name])
    return values


def verdicts(rules: Rules | None, values: Mapping[str, Value], reasons: Sequence[str]) -> list[Row]:
    """What each rule says of a segment: its conditions, and whether it applies.

    Args:
        rules: The rules; None where they are not known.
        values: What :func:`values_of` found.
        reasons: Those that the segment has. A rule about the rest of the corpus applies if its
            reason is among them: one segment does not tell.
    """
    found = []
    for rule in rules.rules if rules else ():
        is_noted = rule.reason in reasons
        conditions = [_condition(each, values, is_noted=is_noted) for each in rule.conditions]
        in_scope = rule.stands_for(values.get(LANGUAGE), values.get(URI))
        found.append(
            {
                "reason": rule.reason,
                "decision": rule.decision,
                "languages": list(rule.languages),
                "sources": list(rule.sources),
                "applies": in_scope and all(each["holds"] for each in conditions),
                "conditions": conditions,
            }
        )
    return found


def _condition(condition: Condition, values: Mapping[str, Value], *, is_noted: bool) -> Row:
    value = values.get(condition.column)
    is_of_corpus = condition.comparison == "outside_quartiles"
    return {
        "column": condition.column,
        "comparison": condition.comparison,
        "bound": condition.bound,
        "value": value,
        "holds": is_noted if is_of_corpus else condition.holds(value),
    }


def differences(segment: Row, language: str | None) -> list[list[str]] | None:
    """A reference against what was recognised, both as they were compared.

    Returns:
        Steps ``[kind, reference words, recognised words]``, kinds being jiwer's ``equal``,
        ``substitute``, ``delete`` and ``insert``; None without a reference, or if its normaliser
        is not at hand.
    """
    if segment["reference_text"] is None:
        return None
    try:
        normalizer = Normalizer(segment["normalizer_id"] or "none", language)
        wanted, heard = (
            tokens(normalizer(text), language)
            for text in (segment["reference_text"], segment["text"])
        )
    except BeamAudioError:
        return None
    glue = " " if has_word_spaces(language) else ""
    if not wanted:
        return [["insert", "", glue.join(heard)]]
    chunks = jiwer.process_words(" ".join(wanted), " ".join(heard)).alignments[0]
    return [
        [
            chunk.type,
            glue.join(wanted[chunk.ref_start_idx : chunk.ref_end_idx]),
            glue.join(heard[chunk.hyp_start_idx : chunk.hyp_end_idx]),
        ]
        for chunk in chunks
    ]


def _segment(row: Row, rate_hz: int) -> Segment:
    """The times of a segment, without samples."""
    start, end, core_start, core_end = (
        round(row[name] * rate_hz)
        for name in ("start_seconds", "end_seconds", "core_start_seconds", "core_end_seconds")
    )
    return Segment(
        recording_id=row["recording_id"],
        segment_id=row["segment_id"],
        segment_index=row["segment_index"],
        channel=row["channel"],
        sample_rate_hz=rate_hz,
        start_sample=start,
        end_sample=end,
        core_start_sample=core_start,
        core_end_sample=core_end,
        speech=tuple(
            (round(each["start_seconds"] * rate_hz), round(each["end_seconds"] * rate_hz))
            for each in row["speech"] or ()
        ),
        samples=np.zeros(0, dtype=np.float32),
    )


def _score(row: Row, recording: Row, language: str | None) -> Score:
    """The stored score, with the doubts about ways of writing that only the texts show."""
    doubts = None
    if row["reference_text"] is not None:
        try:
            normalizer = Normalizer(row["normalizer_id"], language)
            doubts = score(row["reference_text"], row["text"], language, normalizer)
        except BeamAudioError:
            doubts = None  # a normaliser of one's own that is not here
    return Score(
        hits=row["wer_hits"],
        substitutions=row["wer_substitutions"],
        deletions=row["wer_deletions"],
        insertions=row["wer_insertions"],
        wer=row["wer"],
        cer=row["cer"],
        normalizer_id=row["normalizer_id"],
        empty_reference=row["wer"] is None and row["cer"] is None,
        figures_against_words=doubts is not None and doubts.figures_against_words,
        scripts_differ=doubts is not None and doubts.scripts_differ,
        left_out=row["cer"] is None and recording["cer"] is not None,
    )
