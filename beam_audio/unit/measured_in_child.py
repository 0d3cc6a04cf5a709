"""What :mod:`beam_audio.unit.measured` does, in the child process that decodes.

Each recording so has an interpreter of its own. Threads that split and measure in one process wait
for its lock, as numpy and ONNX Runtime give it away thousands of times a second.

:func:`measured_in_child` is the parent's side. :func:`load` and :func:`parts` are the child's, see
:mod:`beam_audio.audio.isolated.program`. What travels are values of JSON, and beside those of a
segment the samples of its clip and its encoded audio.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.audio.isolated.messages import Part
from beam_audio.classifiers.load import ClassifierId
from beam_audio.enhancers.network import EnhancerModel
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.segments.vad_network import vad_network
from beam_audio.segments.vad_presets import VadSettings
from beam_audio.speakers.networks import SpeakerModel
from beam_audio.types import Segment
from beam_audio.unit.clock import StageClock
from beam_audio.unit.measured import MeasuredChannel, MeasuredSegment, Order, measured
from beam_audio.unit.quality_content import quality_content, quality_of_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.audio.decoders.stream import AudioStream
    from beam_audio.audio.isolated.stream import IsolatedStream
    from beam_audio.unit.measured import Measured

WORK: Final = __name__
"""The work of an ``IsolatedStream`` that :func:`measured_in_child` takes."""

_FLOAT_BYTES: Final = 4
_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


def measured_in_child(
    stream: IsolatedStream, order: Order, clock: StageClock
) -> Iterator[Measured]:
    """Yield what :func:`beam_audio.unit.measured.measured` yields, as a child makes it.

    Args:
        stream: One with the work :data:`WORK`.
        order: What is made of it.
        clock: Where the seconds of the child are added up.

    Raises:
        BeamAudioError: What the stream raises.
    """
    for part in stream.parts(_order_content(order)):
        clock.add(part.content["seconds"])
        yield _measured_of(part)


def load() -> None:
    """Load the detector of speech.

    Raises:
        ModelError: It cannot be loaded.
    """
    vad_network()


def parts(stream: AudioStream, order: dict[str, Any]) -> Iterator[Part]:
    """Yield what is made of a stream, with the seconds that it took."""
    clock = StageClock()
    for each in measured(stream, _order_of(order), clock):
        seconds = dict(clock.seconds)
        clock.seconds.clear()
        yield _part_of(each, seconds)


def _order_content(order: Order) -> dict[str, Any]:
    """An order as JSON holds it: the keys of its objects are text."""
    return asdict(order) | {
        "recording_ids": [*order.recording_ids.items()],
        "measured_from": [*order.measured_from.items()],
    }


def _order_of(content: dict[str, Any]) -> Order:
    segments, classifier = content["segments"], content["classifier"]
    speakers, enhancer = content["speakers"], content["enhancer"]
    given = {
        "recording_ids": dict(content["recording_ids"]),
        "measured_from": dict(content["measured_from"]),
        "segments": SegmentSettings(**segments | {"vad": VadSettings(**segments["vad"])}),
        "classifier": classifier
        and ClassifierId(
            **classifier | {"candidate_labels": tuple(classifier["candidate_labels"])}
        ),
        "speakers": speakers and SpeakerModel(**speakers),
        "enhancer": enhancer and EnhancerModel(**enhancer),
    }
    return Order(**content | given)


def _part_of(made: Measured, seconds: dict[str, float]) -> Part:
    if isinstance(made, MeasuredChannel):
        return Part({"channel": asdict(made), "seconds": seconds}, b"")
    content = {
        "segment": asdict(replace(made.segment, samples=_NO_SAMPLES)) | {"samples": None},
        "quality": quality_content(made.quality),
        "clip_samples": len(made.clip),
        "is_encoded": made.encoded is not None,
        "unheard": made.unheard,
        "seconds": seconds,
    }
    return Part(content, made.clip.tobytes() + (made.encoded or b""))


def _measured_of(part: Part) -> Measured:
    content = part.content
    if "channel" in content:
        channel = content["channel"]
        return MeasuredChannel(**channel | {"reasons": tuple(channel["reasons"])})
    segment, samples = content["segment"], content["clip_samples"]
    speech = tuple((start, end) for start, end in segment["speech"])
    return MeasuredSegment(
        Segment(**segment | {"samples": _NO_SAMPLES, "speech": speech}),
        quality_of_content(content["quality"]),
        np.frombuffer(part.data, np.float32, samples),
        part.data[samples * _FLOAT_BYTES :] if content["is_encoded"] else None,
        content["unheard"],
    )
