"""From measured segments to transcripts: passages, batches that fail in part, dead recognisers."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import numpy as np

from beam_audio.asr.passages import join
from beam_audio.asr.recognizer import Recognizer, Request
from beam_audio.errors import (
    BeamAudioError,
    EnhanceError,
    LanguageUnsupported,
    MachineError,
    ModelError,
    RecognizerCrash,
    raise_machine_error,
)
from beam_audio.quality.languages import known_code
from beam_audio.types import Transcript, stable_id
from beam_audio.unit.clock import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.types import AudioRef, Failure, Segment
    from beam_audio.unit.events import PreparedSegment

Result = Transcript | Exception

_SHOWN_LANGUAGES: Final = 8


class _Item(Protocol):
    @property
    def segment(self) -> Segment: ...


ItemT = TypeVar("ItemT", bound=_Item)


class PassageBuilder(Generic[ItemT]):
    """Gathers the segments of each recording, in order, into passages.

    A passage is recognised as one clip. Which segments share one depends on their recording only:
    consecutive segments, as many as fit. Segments that overlap never share a passage, since it
    would contain their common audio twice.

    Args:
        longest_seconds: Longest passage; 0 makes each segment a passage of its own.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._open: dict[str, tuple[ItemT, ...]] = {}

    def add(self, item: ItemT) -> tuple[ItemT, ...]:
        """Take the next segment of a recording; return the passage it no longer fits into.

        The result is empty when the segment fits, or is the first.
        """
        segment = item.segment
        before = self._open.get(segment.recording_id, ())
        fits = passage_seconds((*before, item)) <= self._longest_seconds
        if before and fits and segment.start_sample >= before[-1].segment.end_sample:
            self._open[segment.recording_id] = (*before, item)
            return ()
        self._open[segment.recording_id] = (item,)
        return before

    def end(self, recording_id: str) -> tuple[ItemT, ...]:
        """The last passage of a recording; empty if it has none."""
        return self._open.pop(recording_id, ())


def passage_seconds(passage: Iterable[_Item]) -> float:
    """Seconds of a passage's segments."""
    return sum(item.segment.duration_seconds for item in passage)


def recognise_passages(
    recognizer: Recognizer,
    batch: Sequence[Sequence[PreparedSegment]],
    languages: Sequence[str | None],
) -> list[list[Result]]:
    """Recognise passages together; one result per segment.

    A passage that fails is recognised again segment by segment, so that only the guilty one fails.
    A segment that cannot be heard fails for the reason that it states.

    Args:
        recognizer: The model.
        batch: The passages.
        languages: One per passage; None lets the model decide.

    Raises:
        ModelError: The recogniser fails on everything, even on silence.
        MachineError: The machine fails.
    """
    requests = [
        [
            Request(item.clip, language, seed_of(item.segment.segment_id))
            for item in passage
            if not item.unheard
        ]
        for passage, language in zip(batch, languages, strict=True)
    ]
    some = [segments for segments in requests if segments]
    joined = recognise(recognizer, [join(segments) for segments in some])
    heard: Iterator[Result] = chain.from_iterable(
        [result]
        if len(segments) == 1
        else list(result.pieces)
        if isinstance(result, Transcript)
        else recognise(recognizer, segments)
        for segments, result in zip(some, joined, strict=True)
    )
    results: list[list[Result]] = [
        [EnhanceError(item.unheard) if item.unheard else next(heard) for item in passage]
        for passage in batch
    ]
    # After any crash, not only when all crash: a device may be lost halfway through the last batch.
    if any(_is_crash(result) for segments in results for result in segments):
        require_alive(recognizer)
    return results


def seed_of(segment_id: str) -> int:
    """The start of random choices for a segment, below 2**32; it depends on the id only."""
    return int(stable_id("seed", segment_id)[:8], 16)


def recognise(recognizer: Recognizer, requests: Sequence[Request]) -> list[Result]:
    """Recognise a batch; when it fails, halve it until only the guilty requests fail.

    Raises:
        MachineError: The machine is at fault, not a request: it has no memory left, for example.
    """
    try:
        return list(recognizer.transcribe(requests))
    except MachineError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must cost the guilty segment only
        if len(requests) == 1:
            raise_machine_error(error, recognizer.facts.model_id)
            return [error]
    middle = len(requests) // 2
    return [*recognise(recognizer, requests[:middle]), *recognise(recognizer, requests[middle:])]


def _is_crash(result: Result) -> bool:
    """Whether a clip broke the recogniser; other errors of ours refuse it for a stated reason."""
    is_refusal = isinstance(result, BeamAudioError) and not isinstance(result, RecognizerCrash)
    return isinstance(result, Exception) and not is_refusal


def require_alive(recognizer: Recognizer) -> None:
    """Tell bad segments from a dead recogniser, which fails on silence too.

    Raises:
        ModelError: The recogniser fails on silence.
    """
    silence = np.zeros(recognizer.facts.sample_rate_hz, dtype=np.float32)
    (result,) = recognise(recognizer, [Request(silence)])
    if isinstance(result, Exception):
        raise ModelError(
            f"{recognizer.facts.model_id} fails on everything, silence included: {result!r}; no "
            "unit is committed with it. Check the model with: beam-audio models check"
        ) from result


def language_failure(recognizer: Recognizer, ref: AudioRef) -> Failure | None:
    """The failure of an input whose stated language the model does not know; else None."""
    facts, language = recognizer.facts, ref.language
    if not language or not facts.languages:
        return None
    if model_language(recognizer, language) in facts.languages:
        return None
    known = ", ".join(sorted(facts.languages)[:_SHOWN_LANGUAGES])
    more = ", …" if len(facts.languages) > _SHOWN_LANGUAGES else ""
    error = LanguageUnsupported(
        f"{facts.model_id} does not know the stated language {language!r} (it knows {known}{more})"
        "; use a model that does"
    )
    return replace(failure_of(ref, "recognise", error), unit="input")


def model_language(recognizer: Recognizer, language: str | None) -> str | None:
    """The name that a model has for a language: Whisper calls Javanese ``jw`` and not ``jv``."""
    languages = recognizer.facts.languages
    if language is None or language in languages:
        return language
    return next((each for each in sorted(languages) if known_code(each) == language), language)
