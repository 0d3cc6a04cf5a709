"""One recording to what sounds in it, without an output folder: ``beam_audio.classify``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.classifiers.heard import MOST_LABELS
from beam_audio.classifiers.load import load_classifier
from beam_audio.classifiers.sounds import SoundModel, Totals, sort_of
from beam_audio.unit.pieces import pieces

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.classifiers.heard import LabelScore
    from beam_audio.classifiers.sounds import Sort
    from beam_audio.types import AudioEvent
    from beam_audio.unit.pieces import Source


@dataclass(frozen=True, slots=True)
class Classification:
    """What sounds in a recording.

    Attributes:
        labels: The labels with the highest scores over the whole, as pipelines of Hugging Face give
            them: ``[{"label": "Music", "score": 0.94}, …]``.
        events: Where each label sounds, in order of time.
        speech_score: How much of it is speech, from 0 to 1; 0.5 is the border. None if the
            classifier does not know speech.
        music_score: The same of music.
        duration_seconds: Its length.
    """

    labels: list[LabelScore]
    events: tuple[AudioEvent, ...]
    speech_score: float | None
    music_score: float | None
    duration_seconds: float

    @property
    def sort(self) -> Sort | None:
        """``speech`` where somebody speaks, else ``music`` or ``other``; None if not known."""
        return sort_of(self.speech_score, self.music_score)


def classify(  # noqa: PLR0913 - keyword arguments
    source: Source,
    *,
    model: str | os.PathLike[str] | SoundModel,
    candidate_labels: Sequence[str] = (),
    hypothesis_template: str = HYPOTHESIS_TEMPLATE,
    most_labels: int = MOST_LABELS,
    sample_rate_hz: int | None = None,
) -> Classification:
    """Decode a recording of any length and hear which sounds are in it.

    Channels are mixed. It is heard in pieces of a minute, so memory does not grow with its length;
    scores are means over the windows of all pieces. If it ends early, a :class:`UserWarning` says
    so.

    Args:
        source: A path, a ``gs://`` or ``s3://`` address, encoded bytes, a seekable binary file,
            decoded :class:`~beam_audio.types.Audio`, or samples: floating-point numbers of shape
            (n,), full scale 1.0.
        model: The name of a classifier, a folder of its files, or what ``load_classifier``
            returned; load it once when there are many recordings.
        candidate_labels: What may sound, in words; for a CLAP, and no other model.
        hypothesis_template: A sentence with ``{}`` where a candidate label stands.
        most_labels: How many labels are given.
        sample_rate_hz: Rate of ``source`` when it is samples; not given otherwise.

    Raises:
        InputError: The source does not exist or cannot be read, or its rate is missing.
        DecodeError: No decoder makes audio of it.
        LimitError: It is larger or longer than the limits of ``beam-audio run``.
        ModelError: The classifier cannot be had, or does not take labels.
    """
    if not isinstance(model, SoundModel):
        model = load_classifier(model, candidate_labels, hypothesis_template)
    return hear_pieces(model, pieces(source, model.sample_rate_hz, sample_rate_hz), most_labels)


def hear_pieces(
    model: SoundModel, pieces: Iterable[NDArray[np.float32]], most_labels: int = MOST_LABELS
) -> Classification:
    """What sounds in clips that follow each other, each float32 (n,) at the rate of the model."""
    totals, events, samples = Totals(model), list["AudioEvent"](), 0
    for piece in pieces:
        heard = model.hear(piece)
        totals.add(heard)
        events += model.events(heard, samples / model.sample_rate_hz)
        samples += len(piece)
    return Classification(
        labels=totals.top(most_labels),
        events=tuple(events),
        speech_score=totals.speech_score,
        music_score=totals.music_score,
        duration_seconds=samples / model.sample_rate_hz,
    )
