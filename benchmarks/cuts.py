"""Segments of recordings on their way to a recogniser, in passages as the pipeline makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.asr import Request
from beam_audio.asr.passages import join
from beam_audio.recognition import PassageBuilder, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.asr import Recognizer
    from beam_audio.types import Segment, Transcript


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One segment; ``samples`` are float32 of shape (n,) at the recogniser's rate."""

    segment: Segment
    samples: NDArray[np.float32]


Passage = tuple[Cut, ...]


def passages(cuts: Iterable[Cut], recognizer: Recognizer) -> Iterator[Passage]:
    """Passages of segments that come recording by recording, each in its order."""
    builder = PassageBuilder[Cut](recognizer.passage_seconds)
    recording_id = ""
    for cut in cuts:
        if cut.segment.recording_id != recording_id:
            yield from filter(None, [builder.end(recording_id)])
            recording_id = cut.segment.recording_id
        yield from filter(None, [builder.add(cut)])
    yield from filter(None, [builder.end(recording_id)])


def hear(recognizer: Recognizer, batch: Sequence[Passage]) -> Iterator[tuple[Segment, Transcript]]:
    """Each segment of some passages with what was heard in it."""
    requests = [
        join([Request(cut.samples, "en", seed_of(cut.segment.segment_id)) for cut in passage])
        for passage in batch
    ]
    for passage, heard in zip(batch, recognizer.transcribe(requests), strict=True):
        for cut, transcript in zip(passage, heard.pieces or (heard,), strict=True):
            yield cut.segment, transcript
