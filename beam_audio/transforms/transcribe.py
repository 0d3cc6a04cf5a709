"""The model handler, and Transcribe: Beam's RunInference on segments of your own pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.utils.shared import Shared

from beam_audio.asr import ModelOptions, Recognizer, Request
from beam_audio.asr.isolated.every_gpu import load_isolated
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.remote_model import local_model
from beam_audio.audio.decode import resample
from beam_audio.transforms.read import FAILURES
from beam_audio.types import Failure, Segment, Transcript
from beam_audio.unit.recognise import recognise, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRANSCRIPTS: Final = "transcripts"

Recognised = tuple[Segment, Transcript | Failure]


class OnnxAsrModelHandler(ModelHandler[Segment, Recognised, Recognizer]):
    """Loads a recogniser on a worker and gives it batches.

    It works with Beam's ``RunInference`` on :class:`Segment` elements; the results hold the segment
    without its samples. A failing batch is halved until only the segments at fault are a
    :class:`Failure`. The model is in a child process of the worker, which it cannot take along
    when its native code dies.
    """

    def __init__(
        self,
        model: str = "whisper-tiny.en",
        options: ModelOptions = DEFAULT_OPTIONS,
        *,
        language: str | None = None,
        max_batch_size: int = 8,
    ) -> None:
        """Describe the model; nothing is loaded yet.

        Args:
            model: A card's name, a folder, or an address such as ``gs://bucket/model``.
            options: How it is loaded and used.
            language: Language of every segment; None lets the model decide.
            max_batch_size: Largest batch that ``RunInference`` forms.
        """
        super().__init__()
        self._model = model
        self._options = options
        self._language = language
        self._max_batch_size = max_batch_size
        self._shared = Shared()

    @property
    def model(self) -> str:
        """The name, folder or address of the model."""
        return self._model

    def load_model(self) -> Recognizer:
        """Load the recogniser; a remote model folder is copied to the local cache first."""
        return self.load_from(local_model(self._model))

    def load_from(self, name_or_dir: str) -> Recognizer:
        """Load the recogniser of a card or a folder on this machine, with the same options."""
        return load_isolated(name_or_dir, self._options)

    def acquire(self) -> Recognizer:
        """The recogniser of this process, loaded at the first call and shared while it is in use.

        Copies of a handler made by pickling share it, too.
        """
        recognizer: Recognizer = self._shared.acquire(self.load_model)
        return recognizer

    def run_inference(
        self,
        batch: Sequence[Segment],
        model: Recognizer,
        inference_args: dict[str, Any] | None = None,  # noqa: ARG002 - Beam's signature
    ) -> Iterable[Recognised]:
        """Recognise segments, in order."""
        rate_hz = model.facts.sample_rate_hz
        requests = [
            Request(
                resample(segment.samples, segment.sample_rate_hz, rate_hz),
                self._language,
                seed_of(segment.segment_id),
            )
            for segment in batch
        ]
        for segment, result in zip(batch, recognise(model, requests), strict=True):
            bare = replace(segment, samples=np.zeros(0, dtype=np.float32))
            yield bare, result if isinstance(result, Transcript) else _failure(segment, result)

    def get_metrics_namespace(self) -> str:
        """Namespace of Beam's inference metrics."""
        return "beam_audio"

    def batch_elements_kwargs(self) -> dict[str, Any]:
        """Bounds of Beam's batching; ``TranscribeUnits`` has its own batching, by length."""
        return {"min_batch_size": 1, "max_batch_size": self._max_batch_size}


class Transcribe(beam.PTransform):
    """Recognises segments through Beam's ``RunInference``.

    Each segment is recognised on its own, and samples travel between the stages of such a pipeline:
    use ``TranscribeUnits`` for large runs, which recognises neighbouring segments together.

    Returns a tuple of PCollections: ``transcripts`` of (segment without samples, transcript), and
    ``failures``.
    """

    def __init__(self, handler: OnnxAsrModelHandler) -> None:
        super().__init__()
        self._handler = handler

    def expand(self, segments: beam.PCollection[Segment]) -> beam.pvalue.DoOutputsTuple:
        """Wire inference and the separation of failures."""
        recognised = segments | "Recognise" >> RunInference(self._handler)
        return recognised | "Part" >> beam.ParDo(_Part()).with_outputs(FAILURES, main=TRANSCRIPTS)


class _Part(beam.DoFn):
    def process(self, element: Recognised) -> Iterable[Recognised | beam.pvalue.TaggedOutput]:
        _, result = element
        if isinstance(result, Failure):
            yield beam.pvalue.TaggedOutput(FAILURES, result)
        else:
            yield element


def _failure(segment: Segment, error: Exception) -> Failure:
    return Failure(
        unit="segment",
        stage="recognise",
        source_id=segment.recording_id,
        uri="",
        error_type=type(error).__name__,
        message=str(error),
        recording_id=segment.recording_id,
        segment_id=segment.segment_id,
        start_seconds=segment.start_seconds,
        end_seconds=segment.end_seconds,
    )
