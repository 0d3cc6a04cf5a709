"""A recogniser for all families that place tokens on frames of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from beam_audio.asr.frames.clip_groups import padded_samples
from beam_audio.asr.frames.ctc import CtcModel
from beam_audio.asr.frames.identity import identify
from beam_audio.asr.frames.nemo import NemoModel
from beam_audio.asr.frames.onnx_asr import OnnxAsrModel
from beam_audio.asr.frames.timed_tokens import TimedToken, transcript_of
from beam_audio.asr.recognizer import ON_CPU, BatchLimits
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import ModelFacts, Request
    from beam_audio.models.layout import ModelLayout
    from beam_audio.types import Transcript


class FrameModel(Protocol):
    """A loaded model of one family."""

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use."""

    @property
    def takes_batches(self) -> bool:
        """Whether clips padded to one length can share a call without changing each other."""

    def tokens(self, clips: Sequence[NDArray[np.float32]]) -> list[list[TimedToken]]:
        """Tokens of each clip, float32 of shape (n,); they depend only on that clip."""


# Beam keeps a shared model by a weak reference.
@dataclass(frozen=True, slots=True, weakref_slot=True)
class FrameRecognizer:
    """Fulfils ``Recognizer`` with a model that gives tokens with times.

    Attributes:
        facts: Name, hash and limits of the model.
        model: The loaded model.
    """

    batch_limits: ClassVar[BatchLimits] = ON_CPU

    facts: ModelFacts
    model: FrameModel

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use."""
        return self.model.provider

    @property
    def passage_seconds(self) -> float:
        """Always 0: each clip is one segment."""
        return 0.0

    def cost_seconds(self, duration_seconds: float) -> float:
        """Length of the clip after padding."""
        rate_hz = self.facts.sample_rate_hz
        samples = round(duration_seconds * rate_hz)
        return padded_samples(samples, rate_hz, together=self.model.takes_batches) / rate_hz

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch; one transcript per request, in order.

        Raises:
            ModelError: A clip is too long or not finite, or its language is not known.
        """
        for request in requests:
            self._require_fit(request)
        heard = self.model.tokens([request.samples for request in requests])
        return [
            transcript_of(tokens, self._language(request), self._seconds(request))
            for tokens, request in zip(heard, requests, strict=True)
        ]

    def _seconds(self, request: Request) -> float:
        return len(request.samples) / self.facts.sample_rate_hz

    def _language(self, request: Request) -> str | None:
        """The only language the model knows, or else the requested one."""
        known = self.facts.languages
        return next(iter(known)) if len(known) == 1 else request.language

    def _require_fit(self, request: Request) -> None:
        facts, samples, language = self.facts, request.samples, request.language
        if samples.ndim != 1 or len(samples) > facts.max_seconds * facts.sample_rate_hz:
            raise ModelError(
                f"a clip of shape {samples.shape} does not fit {facts.model_id}, which takes one "
                f"channel of at most {facts.max_seconds:g} s at {facts.sample_rate_hz} Hz: cut it "
                "first"
            )
        if not np.isfinite(samples).all():
            raise ModelError("a clip holds samples that are not finite numbers")
        if language is not None and facts.languages and language not in facts.languages:
            known = ", ".join(sorted(facts.languages))
            raise ModelError(f"{facts.model_id} does not know language {language!r}, only {known}")


def load_frame_recognizer(layout: ModelLayout, options: ModelOptions) -> FrameRecognizer:
    """Load a model of any family but Whisper's; it runs as it was exported.

    Args:
        layout: The files of the model's directory.
        options: Provider and threads; Whisper's own options have no effect.

    Raises:
        ModelError: A file is damaged or of another kind, or a library is missing.
        ProviderError: The provider was required and cannot be used.
    """
    facts = identify(layout)
    model: FrameModel
    if layout.family == "wav2vec2-ctc":
        model = CtcModel(layout, facts.sample_rate_hz, options)
    elif layout.family in {"nemo-tdt", "nemo-rnnt", "nemo-ctc"}:
        model = NemoModel(layout, options)
    else:
        model = OnnxAsrModel(layout, facts.sample_rate_hz, options)
    return FrameRecognizer(facts, model)
