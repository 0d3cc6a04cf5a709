"""What rules may look at: every measure and flag of one segment, by the name rules call it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.quality import text as texts
from beam_audio.quality.hallucinations import is_known_hallucination
from beam_audio.quality.languages import has_word_spaces, is_same_language
from beam_audio.quality.scripts import foreign_letters
from beam_audio.quality.second_opinion import chosen_by_model, voted_language
from beam_audio.quality.turns import changes, overlap_seconds, turns_of
from beam_audio.quality.written_language import is_in_other_language

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from beam_audio.quality.error_rates import Score
    from beam_audio.quality.second_opinion import Compared
    from beam_audio.types import Quality, Segment, Transcript

Value = float | bool | str | None

MEASURE_DECIMALS: Final = 4
"""Measures are rounded to this before a rule looks at them and before they are written."""

METADATA: Final = "metadata."
"""What the name of a metadata key begins with where rules look at it."""

SURE_OF_LANGUAGE: Final = 0.8
"""Probability from which a language that the model detects outweighs the stated one."""


def round_measure(value: float | None) -> float | None:
    """Round a measure to the decimals that are compared and stored; not finite becomes None."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), MEASURE_DECIMALS) + 0.0  # adding 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, slots=True)
class Languages:
    """Languages a segment is compared with, ISO 639-1 codes; None where unknown.

    Attributes:
        judged_as: Language of the text, for counting its words.
        recording: Language of most of the recording.
        stated: Language the manifest states.
    """

    judged_as: str | None = None
    recording: str | None = None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One recognised segment with everything that measures and flags are taken from.

    Attributes:
        segment: Its times are used, not its samples.
        quality: Its signal measures.
        transcript: What the recogniser made of it.
        score: How that compares with a reference; None when there is none.
        languages: What its language is compared with.
        second: What a second model made of it; None when there is none.
        uri: Where its recording is, as rows have it.
        metadata: What its manifest states beside the known fields.
    """

    segment: Segment
    quality: Quality
    transcript: Transcript
    score: Score | None
    languages: Languages
    uri: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    second: Compared | None = None

    @property
    def text(self) -> str:
        """The recognised text."""
        return self.transcript.text

    @property
    def seconds(self) -> float:
        """Length of the segment."""
        return self.segment.duration_seconds

    @property
    def speech_seconds(self) -> float:
        """Seconds of it that are speech."""
        return self.segment.speech_seconds

    @property
    def language(self) -> str | None:
        """Language its words are counted in."""
        return self.languages.judged_as


MEASURES: Final[dict[str, Callable[[Judged], float | None]]] = {
    "avg_logprob": lambda it: it.transcript.avg_logprob,
    "bandwidth_hz": lambda it: it.quality.bandwidth_hz,
    "cer": lambda it: it.score.cer if it.score else None,
    "chars_per_second": lambda it: texts.chars_per_second(it.text, it.seconds, it.language),
    "chars_per_speech_second": lambda it: texts.chars_per_second(
        it.text, it.speech_seconds, it.language
    ),
    "clipped_fraction": lambda it: it.quality.clipped_fraction,
    "compression_ratio": lambda it: texts.compression_ratio(it.text),
    "disagreement_cer": lambda it: it.second.cer if it.second else None,
    "disagreement_wer": lambda it: it.second.wer if it.second else None,
    "dnsmos_bak": lambda it: it.quality.dnsmos_bak,
    "dnsmos_ovrl": lambda it: it.quality.dnsmos_ovrl,
    "dnsmos_sig": lambda it: it.quality.dnsmos_sig,
    "duration_seconds": lambda it: it.seconds,
    "end_cer": lambda it: it.score.end_cer if it.score else None,
    # Of the letters, those that the language is not written with.
    "foreign_letters": lambda it: foreign_letters(it.text, it.language),
    "language_probability": lambda it: it.transcript.language_probability,
    "loudness_lufs": lambda it: it.quality.loudness_lufs,
    "music_score": lambda it: it.quality.music_score,
    "no_speech_prob": lambda it: it.transcript.no_speech_prob,
    "peak_dbfs": lambda it: it.quality.peak_dbfs,
    "rms_dbfs": lambda it: it.quality.rms_dbfs,
    "second_avg_logprob": lambda it: it.second.transcript.avg_logprob if it.second else None,
    "second_language_probability": lambda it: (
        it.second.transcript.language_probability if it.second else None
    ),
    "second_no_speech_prob": lambda it: it.second.transcript.no_speech_prob if it.second else None,
    "snr_db": lambda it: it.quality.snr_db,
    "speaker_changes": lambda it: (
        None if it.quality.voices is None else changes(turns_of(it.quality.voices))
    ),
    "speaker_overlap_seconds": lambda it: (
        None if it.quality.voices is None else overlap_seconds(turns_of(it.quality.voices))
    ),
    "speech_fraction": lambda it: it.quality.speech_fraction,
    "speech_score": lambda it: it.quality.speech_score,
    "speech_seconds": lambda it: it.speech_seconds,
    "start_cer": lambda it: it.score.start_cer if it.score else None,
    "text_chars": lambda it: len(it.text),
    "unique_word_ratio": lambda it: texts.unique_word_ratio(it.text, it.language),
    "wer": lambda it: it.score.wer if it.score else None,
    "wer_deletions": lambda it: it.score.deletions if it.score else None,
    "wer_hits": lambda it: it.score.hits if it.score else None,
    "wer_insertions": lambda it: it.score.insertions if it.score else None,
    "wer_substitutions": lambda it: it.score.substitutions if it.score else None,
    "words_per_second": lambda it: texts.words_per_second(it.text, it.seconds, it.language),
    "words_per_speech_second": lambda it: texts.words_per_second(
        it.text, it.speech_seconds, it.language
    ),
}
"""Every number that a rule may compare with a bound; None where it is undefined."""

HALLUCINATION_SIGNS: Final[dict[str, Callable[[Judged], bool | None]]] = {
    "compression_ratio_high": lambda it: _above(it, "compression_ratio", 2.4),
    "hallucination_rate": lambda it: _above(it, "chars_per_speech_second", 40.0),
    "known_hallucination": lambda it: is_known_hallucination(it.text, it.transcript.language),
    "logprob_low": lambda it: _below(it, "avg_logprob", -1.0),
    "no_speech_likely": lambda it: _both(_has_text(it), _above(it, "no_speech_prob", 0.8)),
    "repetition": lambda it: texts.is_repetitive(it.text, it.language),
    "silence": lambda it: _both(_above(it, "no_speech_prob", 0.6), _below(it, "avg_logprob", -1.0)),
    "text_without_speech": lambda it: _both(_has_text(it), _below(it, "speech_seconds", 0.2)),
}
"""Signs that the model wrote what nobody said; None where what a sign looks at is missing.

The bounds are those that the presets of rules have for reasons of the same names.
"""

FLAGS: Final[dict[str, Callable[[Judged], bool | None]]] = {
    **HALLUCINATION_SIGNS,
    "empty_reference": lambda it: it.score is not None and it.score.empty_reference,
    # The number words of the language are not known, so that "5" may be the same as "five".
    "figures_against_words": lambda it: it.score is not None and it.score.figures_against_words,
    "has_reference": lambda it: it.score is not None,
    # The text is in another language than most of the recording, or the model is sure that the
    # speech is in another language than the manifest states.
    "language_mismatch": lambda it: (
        _differs(it.transcript, it.languages.recording)
        or (_is_sure(it.transcript) and _differs(it.transcript, it.languages.stated))
    ),
    # The model was free to choose and found another language than the manifest states. A model
    # that gives no language probability is never taken to have chosen.
    "language_unexpected": lambda it: (
        it.transcript.language_probability is not None
        and _differs(it.transcript, it.languages.stated)
    ),
    # Of the two models and the manifest, two agree on another language than the text is in.
    "language_outvoted": lambda it: _differs(it.transcript, vote(it)),
    # Text and reference are in Simplified and Traditional Chinese; they are compared in one.
    "scripts_differ": lambda it: it.score is not None and it.score.scripts_differ,
    # Nothing in the reference of the recording confirms the text.
    "text_without_reference": lambda it: bool(it.score and it.score.left_out and _has_text(it)),
    # The words are of another language than the text is said to be in.
    "text_in_other_language": lambda it: is_in_other_language(it.text, it.language),
    "word_spaces": lambda it: has_word_spaces(it.language),
}
"""Everything that a rule may ask to be true or false."""

ON_DEMAND: Final = frozenset({"text_in_other_language"})
"""Flags that need a package of their own, and are None unless a rule looks at them."""

TEXTS: Final[dict[str, Callable[[Judged], str | None]]] = {
    # A run does not compare its rows; what curate found is known to curate alone.
    "duplicate_by": lambda _: None,
    "test_overlap_by": lambda _: None,
    "heard_language": lambda it: it.transcript.language,
    "language": lambda it: it.transcript.language or it.languages.stated,
    "stated_language": lambda it: it.languages.stated,
    "text": lambda it: it.text,
    "uri": lambda it: it.uri,
}
"""Every text that a rule may look into, beside the metadata."""

RULE_MEASURES: Final = tuple(MEASURES)
RULE_FLAGS: Final = tuple(FLAGS)
RULE_TEXTS: Final = tuple(TEXTS)


def measure_all(judged: Judged, asked: Collection[str] = ()) -> dict[str, Value]:
    """Take every value that rules may look at.

    Args:
        judged: The segment.
        asked: The columns that rules look at, as far as they are in :data:`ON_DEMAND`.

    Returns:
        A value for each of :data:`MEASURES`, rounded, :data:`FLAGS`, :data:`TEXTS` and key of the
        metadata. Names that are output columns too hold what is written there.
    """
    return {
        **{f"{METADATA}{key}": value for key, value in judged.metadata},
        **{name: round_measure(take(judged)) for name, take in MEASURES.items()},
        **{
            name: None if name in ON_DEMAND and name not in asked else take(judged)
            for name, take in FLAGS.items()
        },
        **{name: take(judged) for name, take in TEXTS.items()},
    }


def vote(judged: Judged) -> str | None:
    """The language that two of three name: the models that chose one, and the manifest."""
    models = (judged.transcript, judged.second.transcript if judged.second else None)
    chosen = [chosen_by_model(each) for each in models if each]
    return voted_language([*chosen, judged.languages.stated])


def best_of_two(judged: Judged) -> Literal["first", "second"] | None:
    """Which of two texts is better; None without a second.

    The first is, unless it has a sign of hallucination and the second has fewer of them.
    """
    if judged.second is None:
        return None
    second = replace(judged, transcript=judged.second.transcript, second=None)
    return "second" if _count_signs(second) < _count_signs(judged) else "first"


def _count_signs(judged: Judged) -> int:
    return sum(take(judged) is True for take in HALLUCINATION_SIGNS.values())


def _has_text(judged: Judged) -> bool | None:
    return _above(judged, "chars_per_second", 0.0)


def _above(judged: Judged, name: str, bound: float) -> bool | None:
    value = round_measure(MEASURES[name](judged))
    return None if value is None else value > bound


def _below(judged: Judged, name: str, bound: float) -> bool | None:
    value = round_measure(MEASURES[name](judged))
    return None if value is None else value < bound


def _both(*signs: bool | None) -> bool | None:
    return None if None in signs else all(signs)


def _is_sure(transcript: Transcript) -> bool:
    """Whether the model chose the language itself, with little doubt."""
    probability = round_measure(transcript.language_probability)
    return probability is not None and probability >= SURE_OF_LANGUAGE


def _differs(transcript: Transcript, language: str | None) -> bool:
    """Whether the text is in another language than this one; nothing unknown differs."""
    found = transcript.language
    return bool(transcript.text and found and language) and not is_same_language(found, language)
