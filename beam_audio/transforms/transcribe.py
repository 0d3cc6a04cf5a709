"""The model handler, and Transcribe: Beam's RunInference on segments of your own pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference
from apache_beam.utils.shared import Shared

from beam_audio.asr import ModelOptions, Recognizer, Request
from beam_audio.asr.isolated.every_gpu import load_isolated
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.remote_model import local_model
from beam_audio.audio.decode import resample
from beam_audio.errors import ConfigError
from beam_audio.transforms.read import FAILURES
from beam_audio.types import Failure, Segment, Transcript
from beam_audio.unit.recognise import recognise, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TRANSCRIPTS: Final = "transcripts"
_NO_SAMPLES: Final = np.zeros(0, dtype=np.float32)


class OnnxAsrModelHandler(ModelHandler[Segment, PredictionResult, "LoadedModel"]):
    """Loads a recogniser on a worker and gives it batches, in Beam's ``RunInference``.

    It takes :class:`Segment` elements. Each gives a ``PredictionResult``: ``example`` is the
    segment without its samples, ``inference`` a :class:`Transcript` or a :class:`Failure`,
    ``model_id`` the name that rows have. A failing batch is halved until only the segments at fault
    are failures. The model is in a child process of the worker, which it cannot take along when its
    native code dies.

    Keys (``KeyedModelHandler``), functions before and after (``with_preprocess_fn``,
    ``with_postprocess_fn``) and another model while the pipeline runs (``model_metadata_pcoll``,
    whose ``model_id`` is a name, folder or address as ``model`` is) work as with Beam's handlers.
    """

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        model: str = "whisper-tiny.en",
        options: ModelOptions = DEFAULT_OPTIONS,
        *,
        language: str | None = None,
        max_batch_size: int = 8,
        large_model: bool = False,
        model_copies: int | None = None,
    ) -> None:
        """Describe the model; nothing is loaded yet.

        Args:
            model: A card's name, a folder, or an address such as ``gs://bucket/model``.
            options: How it is loaded and used.
            language: Language of every segment; None lets the model decide.
            max_batch_size: Largest batch that ``RunInference`` forms. ``TranscribeUnits`` has
                batches of its own, by length.
            large_model: Whether the processes of a worker share one model in ``RunInference``.
                Samples then travel to the process that holds it.
            model_copies: How many models they share; it implies ``large_model``.
        """
        super().__init__(
            min_batch_size=1,
            max_batch_size=max_batch_size,
            large_model=large_model,
            model_copies=model_copies,
        )
        self._model = model
        self._options = options
        self._language = language
        self._shared = Shared()

    @property
    def model(self) -> str:
        """The name, folder or address of the model."""
        return self._model

    def load_model(self) -> LoadedModel:
        """Load the model for ``RunInference``."""
        return LoadedModel(self.load_recognizer(), self._language)

    def load_recognizer(self) -> Recognizer:
        """Load the recogniser; a remote model folder is copied to the local cache first."""
        return self.load_from(local_model(self._model))

    def load_from(self, name_or_dir: str) -> Recognizer:
        """Load the recogniser of a card or a folder on this machine, with the same options."""
        return load_isolated(name_or_dir, self._options)

    def acquire(self) -> Recognizer:
        """The recogniser of this process, loaded at the first call and shared while it is in use.

        Copies of a handler made by pickling share it, too.
        """
        recognizer: Recognizer = self._shared.acquire(self.load_recognizer)
        return recognizer

    def update_model_path(self, model_path: str | None = None) -> None:
        """Take another model from the next load on; none named leaves it as it is."""
        self._model = model_path or self._model

    def run_inference(
        self,
        batch: Sequence[Segment],
        model: LoadedModel,
        inference_args: dict[str, Any] | None = None,  # noqa: ARG002 - none pass the check
    ) -> Iterable[PredictionResult]:
        """Recognise segments, in order."""
        return model.predict(batch)

    def validate_inference_args(self, inference_args: dict[str, Any] | None) -> None:
        """Refuse arguments: what a text depends on is said when the handler is made.

        Raises:
            ConfigError: There are some.
        """
        if inference_args:
            raise ConfigError(
                f"inference_args has {', '.join(sorted(inference_args))}, and none are taken; give "
                "language= and options= to OnnxAsrModelHandler"
            )

    def get_num_bytes(self, batch: Sequence[Segment]) -> int:
        """Bytes of the samples."""
        return sum(segment.samples.nbytes for segment in batch)

    def get_metrics_namespace(self) -> str:
        """Namespace of Beam's inference metrics."""
        return "beam_audio"


class LoadedModel:
    """A loaded model as ``RunInference`` has it.

    It has methods only: where processes share it, they reach it through Beam's proxies, which know
    no attributes.

    Args:
        recognizer: The recogniser.
        language: Language of every segment; None lets the model decide.
    """

    def __init__(self, recognizer: Recognizer, language: str | None) -> None:
        self._recognizer = recognizer
        self._language = language

    def predict(self, batch: Sequence[Segment]) -> list[PredictionResult]:
        """Recognise segments of any sample rate, in order."""
        facts = self._recognizer.facts
        requests = [
            Request(
                resample(segment.samples, segment.sample_rate_hz, facts.sample_rate_hz),
                self._language,
                seed_of(segment.segment_id),
            )
            for segment in batch
        ]
        results = recognise(self._recognizer, requests)
        return [
            PredictionResult(
                replace(segment, samples=_NO_SAMPLES),
                result if isinstance(result, Transcript) else _failure(segment, result),
                facts.model_id,
            )
            for segment, result in zip(batch, results, strict=True)
        ]


@beam.typehints.with_input_types(Segment)
@beam.typehints.with_output_types(tuple[Segment, Transcript], failures=Failure)
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


@beam.typehints.with_output_types(tuple[Segment, Transcript], failures=Failure)
class _Part(beam.DoFn):
    def process(
        self, element: PredictionResult
    ) -> Iterable[tuple[Segment, Transcript] | beam.pvalue.TaggedOutput]:
        if isinstance(element.inference, Failure):
            yield beam.pvalue.TaggedOutput(FAILURES, element.inference)
        else:
            yield element.example, element.inference


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
