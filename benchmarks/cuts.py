"""Segments of recordings on their way to a recogniser, in passages as the pipeline makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.asr import Request
from beam_audio.asr.passages import join
from beam_audio.unit.batching import batches
from beam_audio.unit.recognise import PassageBuilder, passage_seconds, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.asr import Recognizer
    from beam_audio.types import Segment, Transcript


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One segment; ``samples`` are float32 of shape (n,) at the recogniser's rate."""

    segment: Segment
    samples: NDArray[np.float32]


def hear(
    recognizer: Recognizer,
    cuts: Iterable[Cut],
    *,
    budget_seconds: float,
    language: str | None = "en",
    alone: bool = False,
) -> Iterator[tuple[Segment, Transcript]]:
    """Each segment with its transcript, in no particular order.

    Args:
        recognizer: The model.
        cuts: Segments recording by recording, each in its order.
        budget_seconds: Most padded seconds a batch.
        language: Language of all segments; None lets the model decide.
        alone: Whether each segment is heard on its own, not in passages.
    """
    for batch in batches(
        _passages(cuts, 0.0 if alone else recognizer.passage_seconds),
        seconds=passage_seconds,
        cost=lambda passage: recognizer.cost_seconds(passage_seconds(passage)),
        budget_seconds=budget_seconds,
    ):
        requests = [
            join([Request(cut.samples, language, seed_of(cut.segment.segment_id)) for cut in cuts])
            for cuts in batch
        ]
        for passage, heard in zip(batch, recognizer.transcribe(requests), strict=True):
            for cut, transcript in zip(passage, heard.pieces or (heard,), strict=True):
                yield cut.segment, transcript


def _passages(cuts: Iterable[Cut], longest_seconds: float) -> Iterator[tuple[Cut, ...]]:
    builder = PassageBuilder[Cut](longest_seconds)
    recording_id = ""
    for cut in cuts:
        if cut.segment.recording_id != recording_id:
            yield from filter(None, [builder.end(recording_id)])
            recording_id = cut.segment.recording_id
        yield from filter(None, [builder.add(cut)])
    yield from filter(None, [builder.end(recording_id)])
