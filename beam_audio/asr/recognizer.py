"""The contract of every model family: a batch of clips in, one transcript per clip out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.types import Transcript

Mode = Literal["transcribe", "translate"]
"""What the model writes: the words spoken, or their translation into English."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much a recogniser is given at a time; the defaults are those of a CPU.

    Attributes:
        seconds: Most padded seconds of a batch; a CPU gains nothing from more.
        at_a_time: Most batches at the same time. A CPU has all its cores at work on one.
    """

    seconds: float = 120.0
    at_a_time: int = 1


ON_CPU: Final = BatchLimits()


@dataclass(frozen=True, slots=True)
class Request:
    """One clip to recognise.

    Attributes:
        samples: float32 of shape (n,), full scale 1.0, at the model's ``facts.sample_rate_hz`` and
            at most ``facts.max_seconds`` long.
        language: ISO 639 code; None lets the model decide.
        seed: Seed of all random choices made for this clip.
        pieces: The neighbouring segments this clip was joined from; each gets its own transcript
            (see ``beam_audio.asr.passages``). Empty if the clip is one segment.
    """

    samples: NDArray[np.float32]
    language: str | None = None
    seed: int = 0
    pieces: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a model without loading it.

    Attributes:
        model_id: Name, precision and options that change the text, such as
            ``whisper-tiny.en/float32``.
        model_sha256: Hash of the weights, the precision and the version of the code around them.
        sample_rate_hz: Sample rate of the clips.
        max_seconds: Longest clip the model takes.
        languages: ISO 639 codes a request may name; empty if the model's files list none, and any
            code is accepted.
    """

    model_id: str
    model_sha256: str
    sample_rate_hz: int
    max_seconds: float
    languages: frozenset[str]


class Recognizer(Protocol):
    """A loaded model.

    The text of a clip depends only on the clip and its language, never on the rest of the batch.
    """

    @property
    def facts(self) -> ModelFacts:
        """Name and identity of the model, and which clips it takes."""

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use, such as ``CPUExecutionProvider``."""

    @property
    def passage_seconds(self) -> float:
        """Longest clip joined from several segments; 0 if each is recognised alone."""

    @property
    def batch_limits(self) -> BatchLimits:
        """How much it is given at a time, unless a user says otherwise."""

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio the model computes for a clip: its length after padding."""

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch.

        Returns:
            One transcript per request, in the order of the requests. If the clip has pieces, the
            transcript holds one transcript per piece.

        Raises:
            ModelError: A clip is too long, or the model does not know its language.
        """
