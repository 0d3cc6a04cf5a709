"""What became of segments and recordings, as saved work holds it, and back."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.quality.second_opinion import Opinion
from beam_audio.types import AudioFormat, Failure, Segment, Transcript, Word
from beam_audio.unit.channels import Channel, ref_of_channels, ref_of_tracks
from beam_audio.unit.events import RecordingEnd
from beam_audio.unit.quality_content import quality_content, quality_of_content
from beam_audio.unit.results import Outcome, Recognised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.audio.mixing import Channels
    from beam_audio.types import AudioRef
    from beam_audio.unit.scratch import StoredBytes

Content = dict[str, Any]

_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)
_OF_THE_REFERENCE: Final = frozenset({"source_id", "uri", "event_time", "stated", "place"})
"""Fields of a failure that follow from its input."""
_NOT_IN_ROWS: Final = frozenset({"token_ids", "pieces"})


def outcome_content(outcome: Outcome) -> Content:
    """What became of a segment, as JSON holds it; its stored audio is kept apart."""
    segment = {
        each.name: getattr(outcome.segment, each.name)
        for each in fields(Segment)
        if each.name != "samples"
    }
    if isinstance(outcome.result, Failure):
        return {"segment": segment, "failure": _failure_content(outcome.result)}
    found, second = outcome.result, outcome.result.second
    return {
        "segment": segment,
        "transcript": _transcript_content(found.transcript),
        "quality": quality_content(found.quality),
        "second": second
        and {
            "model_id": second.model_id,
            "model_sha256": second.model_sha256,
            "transcript": second.transcript and _transcript_content(second.transcript),
            "failure": second.failure and _failure_content(second.failure),
        },
    }


def outcome_of_content(content: Content, ref: AudioRef, audio: StoredBytes | None) -> Outcome:
    """The same outcome.

    Args:
        content: What :func:`outcome_content` returned.
        ref: The input.
        audio: Where its stored audio is.
    """
    speech = tuple((start, end) for start, end in content["segment"]["speech"])
    segment = Segment(**content["segment"] | {"speech": speech, "samples": _NO_SAMPLES})
    if "failure" in content:
        return Outcome(segment, _failure(content["failure"], ref))
    quality, second = quality_of_content(content["quality"]), content["second"]
    opinion = second and Opinion(
        second["model_id"],
        second["model_sha256"],
        second["transcript"] and _transcript(second["transcript"]),
        second["failure"] and _failure(second["failure"], ref),
    )
    return Outcome(segment, Recognised(_transcript(content["transcript"]), quality, audio, opinion))


def ends_content(ends: Sequence[RecordingEnd], counts: Sequence[int]) -> Content:
    """The ends of an input's recordings, each with its number of segments, as JSON holds them."""
    return {
        "recordings": [
            {
                "recording_id": end.source.recording_id,
                "channel": end.source.channel,
                "track": end.source.track,
                "content_sha256": end.source.content_sha256,
                "format": asdict(end.source.format),
                "decoded_samples": end.decoded_samples,
                "speech_samples": end.speech_samples,
                "truncation": end.truncation and _failure_content(end.truncation),
                "concealed_seconds": end.concealed_seconds,
                "reasons": end.reasons,
                "audio_sha256": end.audio_sha256,
                "segments": count,
            }
            for end, count in zip(ends, counts, strict=True)
        ]
    }


def ends_of_content(
    content: Content, ref: AudioRef, channels: Channels
) -> list[tuple[RecordingEnd, int]]:
    """The same ends, each with its number of segments.

    Args:
        content: What :func:`ends_content` returned.
        ref: The input.
        channels: The policy of ``--channels``.
    """
    found = content["recordings"]
    ref = ref_of_tracks(ref, len({each["track"] for each in found}))
    return [(_end(each, ref, channels), each["segments"]) for each in found]


def _end(content: Content, ref: AudioRef, channels: Channels) -> RecordingEnd:
    said = AudioFormat(**content["format"])
    source = Channel(
        ref=ref_of_channels(ref, channels, said.channels),
        recording_id=content["recording_id"],
        channel=content["channel"],
        content_sha256=content["content_sha256"],
        format=said,
        track=content["track"],
    )
    truncation = content["truncation"]
    return RecordingEnd(
        source,
        decoded_samples=content["decoded_samples"],
        speech_samples=content["speech_samples"],
        truncation=truncation and _failure(truncation, source.ref),
        concealed_seconds=content["concealed_seconds"],
        reasons=tuple(content["reasons"]),
        audio_sha256=content["audio_sha256"],
    )


def _failure_content(failure: Failure) -> Content:
    return {
        each.name: getattr(failure, each.name)
        for each in fields(Failure)
        if each.name not in _OF_THE_REFERENCE
    }


def _failure(content: Content, ref: AudioRef) -> Failure:
    known = {"source_id": ref.source_id, "uri": ref.uri, "event_time": ref.event_time}
    return Failure(**content | known)


def _transcript_content(transcript: Transcript) -> Content:
    words = transcript.words
    content = {
        each.name: getattr(transcript, each.name)
        for each in fields(Transcript)
        if each.name not in _NOT_IN_ROWS
    }
    return content | {"words": None if words is None else [asdict(word) for word in words]}


def _transcript(content: Content) -> Transcript:
    words = content["words"]
    return Transcript(
        **content | {"words": None if words is None else tuple(Word(**word) for word in words)}
    )
