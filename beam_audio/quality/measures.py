"""What rules may look at: every measure and flag of one segment, by the name rules call it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio.quality import text as texts

if TYPE_CHECKING:
    from beam_audio.quality.error_rates import Score
    from beam_audio.types import Quality, Segment, Transcript

Value = float | bool | None

MEASURE_DECIMALS: Final = 4
"""Measures are rounded so before a rule looks at them and before they are written."""

RULE_FLAGS: Final = (
    "empty_reference",
    "has_reference",
    "language_mismatch",
    "language_unexpected",
    "repetition",
    "word_spaces",
)
RULE_MEASURES: Final = (
    "avg_logprob",
    "bandwidth_hz",
    "cer",
    "chars_per_second",
    "chars_per_speech_second",
    "clipped_fraction",
    "compression_ratio",
    "duration_seconds",
    "language_probability",
    "loudness_lufs",
    "no_speech_prob",
    "peak_dbfs",
    "rms_dbfs",
    "snr_db",
    "speech_fraction",
    "speech_seconds",
    "unique_word_ratio",
    "wer",
    "wer_deletions",
    "wer_hits",
    "wer_insertions",
    "wer_substitutions",
    "words_per_second",
    "words_per_speech_second",
)


def round_measure(value: float | None) -> float | None:
    """Round a measure to the decimals that are compared and stored; not finite becomes None."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), MEASURE_DECIMALS) + 0.0  # adding 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, slots=True)
class Languages:
    """Languages a segment is held against, ISO 639-1 codes; None where unknown.

    Attributes:
        judged_as: That of the text, for counting its words.
        recording: That of most of the recording.
        stated: That of the manifest.
    """

    judged_as: str | None = None
    recording: str | None = None
    stated: str | None = None


def evidence(
    segment: Segment,
    quality: Quality,
    transcript: Transcript,
    score: Score | None,
    languages: Languages,
) -> dict[str, Value]:
    """Collect every value that rules may look at.

    Args:
        segment: Its times are used, not its samples.
        quality: Its signal measures.
        transcript: What the recogniser heard in it.
        score: How that compares with a reference; None when there is none.
        languages: What its language is held against.

    Returns:
        A value for each of :data:`RULE_MEASURES`, rounded, and :data:`RULE_FLAGS`. Names that are
        output columns too hold what is to be written there.

        ``language_mismatch``: the text is in another language than most of the recording.
        ``language_unexpected``: the model was free to choose and heard another language than the
        manifest states; it cannot be told from models that give no language probability.
    """
    text, language = transcript.text, languages.judged_as
    seconds, speech_seconds = segment.duration_seconds, segment.speech_seconds
    measures: dict[str, float | None] = {
        "avg_logprob": transcript.avg_logprob,
        "bandwidth_hz": quality.bandwidth_hz,
        "cer": score.cer if score else None,
        "chars_per_second": texts.chars_per_second(text, seconds),
        "chars_per_speech_second": texts.chars_per_second(text, speech_seconds),
        "clipped_fraction": quality.clipped_fraction,
        "compression_ratio": texts.compression_ratio(text),
        "duration_seconds": seconds,
        "language_probability": transcript.language_probability,
        "loudness_lufs": quality.loudness_lufs,
        "no_speech_prob": transcript.no_speech_prob,
        "peak_dbfs": quality.peak_dbfs,
        "rms_dbfs": quality.rms_dbfs,
        "snr_db": quality.snr_db,
        "speech_fraction": quality.speech_fraction,
        "speech_seconds": speech_seconds,
        "unique_word_ratio": texts.unique_word_ratio(text, language),
        "wer": score.wer if score else None,
        "wer_deletions": score.deletions if score else None,
        "wer_hits": score.hits if score else None,
        "wer_insertions": score.insertions if score else None,
        "wer_substitutions": score.substitutions if score else None,
        "words_per_second": texts.words_per_second(text, seconds, language),
        "words_per_speech_second": texts.words_per_second(text, speech_seconds, language),
    }
    return {
        **{name: round_measure(value) for name, value in measures.items()},
        "empty_reference": score is not None and score.empty_reference,
        "has_reference": score is not None,
        "language_mismatch": _differs(transcript, languages.recording),
        "language_unexpected": transcript.language_probability is not None
        and _differs(transcript, languages.stated),
        "repetition": texts.is_repetitive(text, language),
        "word_spaces": texts.has_word_spaces(language),
    }


def _differs(transcript: Transcript, language: str | None) -> bool:
    """Whether something was heard and not in this language; nothing unknown differs."""
    heard = transcript.language
    return bool(transcript.text and heard and language) and not texts.is_same_language(
        heard, language
    )
