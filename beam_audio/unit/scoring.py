"""What was said in a recording, compared with its reference and judged.

An error here, as in a normaliser of one's own, costs what it concerns: the scores of a recording
whose reference cannot be compared, or the one segment that cannot be judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ConfigError, raise_machine_error
from beam_audio.quality.error_rates import SegmentShare, share, share_corrected
from beam_audio.quality.labels import label_texts
from beam_audio.quality.measures import Judged, Languages, Value, measure_all
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.recording_text import core_texts, majority_language
from beam_audio.quality.second_opinion import Compared, compare
from beam_audio.unit.clock import failure_of
from beam_audio.unit.columns import encodable
from beam_audio.unit.results import Recognised, segment_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beam_audio.output.corrections import Correction
    from beam_audio.quality.ruleset import Rules
    from beam_audio.types import AudioRef, Decision, Failure, Segment, Transcript
    from beam_audio.unit.channels import Channel
    from beam_audio.unit.results import Outcome

STAGE: Final = "score"
CORRECTED: Final = "corrected"
"""Reason of a segment whose decision is a person's."""
SCORE_FAILED: Final = "score_failed"
"""Reason of a recording that could not be compared with its reference, and of its segments."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What was recognised in a whole recording.

    Attributes:
        language: Its language; None when nobody says.
        texts: The text that each segment adds.
        share: Its reference and score; None without a reference, if one of its segments has none,
            or if comparing failed.
        shares: The share of each segment; None likewise.
        seconds: The second opinion on each segment; None without one.
        corrections: What a person says about segments, by their numbers.
        labels: The text to train with, of each segment; empty like ``share``.
        failure: Why it could not be compared; None if it was, or has no reference.
    """

    language: str | None
    texts: tuple[str, ...]
    share: SegmentShare | None
    shares: Sequence[SegmentShare | None]
    seconds: Sequence[Compared | None]
    corrections: Mapping[int, Correction]
    labels: Sequence[str | None] = ()
    failure: Failure | None = None

    @property
    def has_corrected_text(self) -> bool:
        """Whether the reference is a person's, in part at least."""
        return self.share is not None and any(
            each.text is not None for each in self.corrections.values()
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recognised segment with its measures, and what the rules decided.

    Attributes:
        judged: The segment as rules see it.
        measures: Every measure and flag by name.
        decision: Whether it is kept, by the rules.
        reasons: Why, by name.
        correction: What a person says about it; None for nothing.
        share: Its part of the reference; None without one.
        label: The text to train with; None without one.
        recognised: What was recognised.
    """

    judged: Judged
    measures: dict[str, Value]
    decision: Decision
    reasons: tuple[str, ...]
    correction: Correction | None
    share: SegmentShare | None
    label: str | None
    recognised: Recognised

    @property
    def final_decision(self) -> Decision:
        """Whether it is kept: a person's verdict, else what the rules decided."""
        stated = self.correction.verdict if self.correction else None
        return stated or self.decision

    @property
    def final_reasons(self) -> tuple[str, ...]:
        """Why."""
        return (CORRECTED,) if self.correction and self.correction.verdict else self.reasons


def score(
    source: Channel,
    outcomes: Sequence[Outcome],
    normalizer: str,
    corrections: Mapping[int, Correction],
) -> Scored:
    """Compare a recording with its reference, if it has one.

    Args:
        source: The recording.
        outcomes: All its segments, by index.
        normalizer: The choice of ``--normalizer``.
        corrections: What a person says about segments, by their numbers.

    Raises:
        ConfigError: The normaliser cannot be had on this machine.
        MachineError: The machine is at fault.
    """
    ref = source.ref
    language = majority_language(_transcribed(outcomes)) or ref.language
    texts = tuple(core_texts(_transcribed(outcomes)))
    nothing: list[None] = [None] * len(outcomes)
    unscored = Scored(language, texts, None, nothing, nothing, corrections)
    spoken = ref.language or language
    try:
        seconds = [_second(outcome, spoken, normalizer) for outcome in outcomes]
        unscored = replace(unscored, seconds=seconds)
        whole, shares = _compared(source, outcomes, unscored, normalizer)
        labels = _labels(source, outcomes, unscored, normalizer)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - one odd text must not end the unit
        return replace(unscored, failure=recording_failure(source, error))
    return replace(unscored, share=whole, shares=shares, labels=labels)


def _transcribed(outcomes: Sequence[Outcome]) -> Iterator[tuple[Segment, Transcript | None]]:
    return ((outcome.segment, outcome.transcript) for outcome in outcomes)


def _compared(
    source: Channel, outcomes: Sequence[Outcome], scored: Scored, normalizer: str
) -> tuple[SegmentShare | None, Sequence[SegmentShare | None]]:
    """The reference and score of a recording, and those of its segments."""
    reference = source.ref.reference_text
    spoken = source.ref.language or scored.language
    corrected = _corrected(outcomes, scored)
    if corrected:
        found = share_corrected(
            reference, scored.texts, corrected, spoken, normalizer_for(spoken, normalizer)
        )
        return found.recording, found.segments
    if reference is None:
        return scored.share, scored.shares
    shared = share(reference, scored.texts, spoken, normalizer_for(spoken, normalizer))
    return SegmentShare(reference, shared.recording), shared.segments


def _corrected(outcomes: Sequence[Outcome], scored: Scored) -> dict[int, tuple[str, str]]:
    """What a person wrote of segments, by their numbers, and what was recognised."""
    return {
        # Whoever corrects a segment hears all of it, and not its core alone.
        number: (each.text, heard.text)
        for number, each in scored.corrections.items()
        if each.text is not None and (heard := outcomes[number].transcript) is not None
    }


def _labels(
    source: Channel, outcomes: Sequence[Outcome], scored: Scored, normalizer: str
) -> list[str | None]:
    """The text to train with, of each segment."""
    spoken = source.ref.language or scored.language
    used = normalizer_for(spoken, normalizer)
    reference = source.ref.reference_text
    labels = [*label_texts(reference or "", scored.texts, used)]
    for number, (text, heard) in _corrected(outcomes, scored).items():
        (labels[number],) = label_texts(text, [heard], used)
    return labels


def judge(
    source: Channel, outcomes: Sequence[Outcome], scored: Scored, rules: Rules
) -> Iterator[Verdict | Failure]:
    """What the rules decide about each segment, or why the segment failed.

    Segments of a recording that could not be compared with its reference are at best reviewed.

    Raises:
        MachineError: The machine is at fault.
    """
    for index, outcome in enumerate(outcomes):
        yield _judge(source, outcome, index, scored, rules)


def recording_failure(source: Channel, error: Exception) -> Failure:
    """The failure of a recording that cannot be scored.

    Raises:
        MachineError: The machine is at fault.
    """
    raise_machine_error(error)
    return replace(failure_of(source.ref, STAGE, error), recording_id=source.recording_id)


def _second(outcome: Outcome, spoken: str | None, normalizer: str) -> Compared | None:
    """What the second model heard in a segment, compared with the text."""
    recognised = outcome.result
    if not isinstance(recognised, Recognised) or recognised.second is None:
        return None
    first, second = recognised.transcript, recognised.second.transcript
    if second is None:
        return None
    language = first.language or spoken
    return compare(replace(first, language=language), second, normalizer_for(language, normalizer))


def at_best_reviewed(
    decision: Decision, reasons: tuple[str, ...]
) -> tuple[Decision, tuple[str, ...]]:
    """A decision about a segment whose recording could not be compared with its reference."""
    return "review" if decision == "keep" else decision, tuple(sorted({*reasons, SCORE_FAILED}))


def _judge(
    source: Channel, outcome: Outcome, index: int, scored: Scored, rules: Rules
) -> Verdict | Failure:
    part = scored.shares[index]
    recognised = outcome.result
    if not isinstance(recognised, Recognised):
        return recognised  # it failed before
    try:
        judged = _judged(outcome.segment, recognised, part, source.ref, scored.language)
        judged = replace(judged, second=scored.seconds[index])
        measures = measure_all(judged, rules.columns)
        decision, reasons = rules.decide(measures)
    except Exception as error:  # noqa: BLE001 - it costs this segment only
        raise_machine_error(error)
        return segment_failure(source.ref, outcome.segment, STAGE, error)
    if scored.failure is not None:
        decision, reasons = at_best_reviewed(decision, reasons)
    correction = scored.corrections.get(index)
    label = scored.labels[index] if scored.labels else None
    return Verdict(judged, measures, decision, reasons, correction, part, label, recognised)


def _judged(
    segment: Segment,
    recognised: Recognised,
    part: SegmentShare | None,
    ref: AudioRef,
    recording_language: str | None,
) -> Judged:
    """A segment as rules see it.

    The words of a segment with a reference are counted in the stated language, as the reference is.
    """
    stated = ref.language
    languages = Languages(
        judged_as=(stated if part else None) or recognised.transcript.language or stated,
        recording=recording_language,
        stated=stated,
    )
    return Judged(
        segment,
        recognised.quality,
        recognised.transcript,
        part.score if part else None,
        languages,
        uri=encodable(ref.uri),
        metadata=ref.metadata,
    )
