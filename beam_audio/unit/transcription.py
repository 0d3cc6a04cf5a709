"""One recording to its text, without an output folder: what the two-line use of the package calls.

The steps and the settings are those of ``beam-audio run`` with its default flags, so the texts are
the same. Apache Beam is imported for ``gs://`` and ``s3://`` addresses only.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import numpy as np

from beam_audio.asr.registry import load_model
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import InputError, ModelError
from beam_audio.quality.languages import known_code
from beam_audio.quality.recording_text import core_texts, join_texts, majority_language
from beam_audio.quality.signal import measure
from beam_audio.segments.splitter import SegmentSettings, Splitter
from beam_audio.types import Audio, AudioFormat, AudioRef, Failure, Quality, Word, stable_id
from beam_audio.unit.batching import batches
from beam_audio.unit.channels import Channel
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment, RecordingEnd
from beam_audio.unit.opened_source import opened_source
from beam_audio.unit.prepare import prepare_opened, prepared_segment
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.read_ahead import read_ahead
from beam_audio.unit.recognise import (
    PassageBuilder,
    model_language,
    passage_seconds,
    recognise_passages,
)
from beam_audio.unit.results import Outcome, Recognised, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from beam_audio.asr.recognizer import Recognizer

    Source = str | os.PathLike[str] | bytes | BinaryIO | Audio | NDArray[np.floating]
    Prepared = PreparedSegment | RecordingEnd
    Passage = tuple[PreparedSegment, ...]

_DEFAULT_MODEL: Final = "whisper-tiny.en"
_BATCH_SECONDS: Final = 120.0
"""Padded seconds of audio a batch; it decides speed and memory, and no text."""
_STEP_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class TranscribedSegment:
    """A stretch of a recording and what was heard in it.

    Attributes:
        start_seconds: Start in the recording.
        end_seconds: End in the recording. Where segments overlap, both have the shared words.
        text: What was heard; empty where the model heard no speech.
        language: ISO 639 code; None where the model does not say.
        words: Each word with its times in the recording; None where the model knows no times.
        avg_logprob: Mean natural-log probability per token; None where the model gives none.
        no_speech_prob: The model's own probability of no speech; None where it gives none.
        quality: Loudness, signal-to-noise ratio and other measures of the audio.
    """

    start_seconds: float
    end_seconds: float
    text: str
    language: str | None
    words: tuple[Word, ...] | None
    avg_logprob: float | None
    no_speech_prob: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard in a recording.

    Attributes:
        text: The whole text, each word once.
        language: Language of most of it, ISO 639 code; None where the model does not say.
        duration_seconds: Decoded length.
        segments: Stretches of speech, in order; what lies between them holds no speech.
        failures: What the text lacks: segments that failed, and why decoding ended early.
    """

    text: str
    language: str | None
    duration_seconds: float
    segments: tuple[TranscribedSegment, ...]
    failures: tuple[Failure, ...] = ()


def transcribe(
    source: Source,
    *,
    model: str | os.PathLike[str] | Recognizer = _DEFAULT_MODEL,
    language: str | None = None,
    sample_rate_hz: int | None = None,
) -> Transcription:
    """Decode a recording of any length, find its speech and recognise it.

    Channels are mixed. Memory does not grow with the length of an encoded recording. A part that
    fails is listed in ``failures``, with a :class:`UserWarning`, and costs nothing else.

    Args:
        source: A path, a ``gs://`` or ``s3://`` address, encoded bytes, a seekable binary file,
            decoded :class:`~beam_audio.types.Audio`, or samples: floating-point numbers of shape
            (n,), full scale 1.0.
        model: A name from ``beam-audio models list``, a folder, or a model that ``load_model``
            returned; load it once when there are many recordings.
        language: What is spoken: an ISO 639 code, an English name or a BCP 47 tag; None lets the
            model decide.
        sample_rate_hz: Rate of ``source`` when it is samples; not given otherwise.

    Raises:
        InputError: The source does not exist or cannot be read, or its rate is missing.
        DecodeError: No decoder makes audio of it.
        LimitError: It is larger or longer than the limits of ``beam-audio run``.
        ModelError: The model cannot be had, does not know the language, or fails on everything.
    """
    recognizer = load_model(os.fspath(model)) if isinstance(model, str | os.PathLike) else model
    facts = recognizer.facts
    language = model_language(recognizer, known_code(language) or language)
    if language is not None and facts.languages and language not in facts.languages:
        known = ", ".join(sorted(facts.languages))
        raise ModelError(f"{facts.model_id} does not know language {language!r}; it knows {known}")
    settings = PrepareSettings(
        segments=SegmentSettings(max_seconds=facts.max_seconds),
        clip_rate_hz=facts.sample_rate_hz,
        isolate_decoding=False,  # the file may be an object of Python
    )
    with ExitStack() as stack:
        events = _prepared(source, sample_rate_hz, settings, stack)
        end, outcomes = _recognised(events, recognizer, language)
    found = _transcription(end, outcomes)
    if found.failures:
        reasons = "; ".join(failure.message for failure in found.failures)
        warnings.warn(f"transcribed in part: {reasons}", stacklevel=2)
    return found


def _prepared(
    source: Source, rate_hz: int | None, settings: PrepareSettings, stack: ExitStack
) -> Iterator[Prepared]:
    """Measured segments of a source and its end; files it opens are closed by ``stack``."""
    if isinstance(source, np.ndarray):
        if rate_hz is None:
            raise InputError("samples have no rate of their own: pass sample_rate_hz=")
        return _from_samples(source, rate_hz, settings)
    if rate_hz is not None:
        raise InputError("sample_rate_hz= is for samples; everything else states its own rate")
    if isinstance(source, Audio):
        return _from_samples(source.samples, source.sample_rate_hz, settings)
    opened = stack.enter_context(opened_source(source, settings.limits.max_source_bytes))
    # A KnownInput comes only where known recordings are named.
    return cast("Iterator[Prepared]", prepare_opened(opened, settings, StageClock()))


def _from_samples(
    samples: NDArray[np.floating], rate_hz: int, settings: PrepareSettings
) -> Iterator[Prepared]:
    if not np.issubdtype(samples.dtype, np.floating):
        raise InputError(
            f"samples of type {samples.dtype}: pass floating-point numbers with full scale 1.0, "
            "such as samples / 32768 for 16-bit integers"
        )
    content_sha256 = hashlib.sha256(np.ascontiguousarray(samples).data).hexdigest()
    recording_id = stable_id("samples", content_sha256, rate_hz)
    said = AudioFormat("float", "samples", rate_hz, channels=1, header_seconds=None)
    channel = Channel(AudioRef("", samples.nbytes), recording_id, None, content_sha256, said)
    splitter = Splitter(
        recording_id=recording_id,
        channel=None,
        sample_rate_hz=rate_hz,
        settings=settings.segments,
    )
    step, mixer = _STEP_SECONDS * rate_hz, Mixer("mix", said)
    blocks = (samples[first : first + step] for first in range(0, len(samples), step))
    mixed = chain.from_iterable(
        mixer.push(each[:, np.newaxis].astype(np.float32)) for each in blocks
    )
    for each in chain(mixed, mixer.finish()):
        for segment in splitter.push(each.signals[None]):
            yield prepared_segment(channel, segment, measure(segment), settings)
    for segment in splitter.finish():
        yield prepared_segment(channel, segment, measure(segment), settings)
    yield RecordingEnd(channel, splitter.decoded_samples, splitter.speech_samples, truncation=None)


def _recognised(
    events: Iterator[Prepared], recognizer: Recognizer, language: str | None
) -> tuple[RecordingEnd, list[Outcome]]:
    """The end of a recording and what became of each segment; decoding runs ahead in a thread."""
    ends: list[RecordingEnd] = []
    outcomes: list[Outcome] = []
    with read_ahead([events], seconds=_event_seconds, budget_seconds=_BATCH_SECONDS) as ready:
        for batch in batches(
            _passages(ready, recognizer.passage_seconds, ends),
            seconds=passage_seconds,
            cost=lambda passage: recognizer.cost_seconds(passage_seconds(passage)),
            budget_seconds=_BATCH_SECONDS,
        ):
            results = recognise_passages(recognizer, batch, [language] * len(batch))
            for passage, heard in zip(batch, results, strict=True):
                outcomes += map(outcome_of, passage, heard)
    (end,) = ends
    return end, sorted(outcomes, key=lambda each: each.segment.segment_index)


def _passages(
    events: Iterable[Prepared], longest_seconds: float, ends: list[RecordingEnd]
) -> Iterator[Passage]:
    """Segments that are recognised in one piece; the end of the recording goes to ``ends``."""
    builder = PassageBuilder[PreparedSegment](longest_seconds)
    for event in events:
        if isinstance(event, RecordingEnd):
            ends.append(event)
            passage = builder.end(event.source.recording_id)
        else:
            passage = builder.add(event)
        if passage:
            yield passage


def _event_seconds(event: Prepared) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0


def _transcription(end: RecordingEnd, outcomes: list[Outcome]) -> Transcription:
    heard = [(outcome.segment, outcome.transcript) for outcome in outcomes]
    language = majority_language(heard)
    failures = [outcome.result for outcome in outcomes if isinstance(outcome.result, Failure)]
    if end.truncation is not None:
        failures.append(end.truncation)
    return Transcription(
        text=join_texts(core_texts(heard), language),
        language=language,
        duration_seconds=end.decoded_samples / end.source.format.sample_rate_hz,
        segments=tuple(
            _segment(outcome, outcome.result)
            for outcome in outcomes
            if isinstance(outcome.result, Recognised)
        ),
        failures=tuple(failures),
    )


def _segment(outcome: Outcome, heard: Recognised) -> TranscribedSegment:
    return TranscribedSegment(
        start_seconds=outcome.segment.start_seconds,
        end_seconds=outcome.segment.end_seconds,
        text=heard.transcript.text,
        language=heard.transcript.language,
        words=heard.transcript.words,
        avg_logprob=heard.transcript.avg_logprob,
        no_speech_prob=heard.transcript.no_speech_prob,
        # It is for comparing rows, and samples that come without a file have none.
        quality=replace(heard.quality, fingerprint=None),
    )
