"""The contract every model family fulfils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.types import Transcript

Mode = Literal["transcribe", "translate"]


@dataclass(frozen=True, slots=True)
class Request:
    """One clip to recognise.

    Attributes:
        samples: float32 of shape (n,) at the recogniser's ``sample_rate_hz``, full scale 1.0, not
            longer than its ``max_seconds``.
        language: ISO 639 code; None lets the model decide.
        seed: What any random choice made for this clip depends on, and nothing else.
        pieces: Neighbouring segments of a recording that the clip is joined from, each wanting its
            own transcript, see ``beam_audio.asr.passages``; none where it is one segment.
    """

    samples: NDArray[np.float32]
    language: str | None = None
    seed: int = 0
    pieces: tuple[Request, ...] = ()


class Recognizer(Protocol):
    """A loaded model: turns a batch of clips into transcripts, in order.

    The text of a clip depends on that clip and its language alone, never on the batch around it.
    """

    @property
    def model_id(self) -> str:
        """Name, precision and task, such as ``whisper-tiny.en/float32``."""

    @property
    def model_sha256(self) -> str:
        """Hash of source weights, exporter version and precision."""

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use, such as ``CPUExecutionProvider``."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate the clips must have."""

    @property
    def max_seconds(self) -> float:
        """Longest clip accepted."""

    @property
    def languages(self) -> frozenset[str]:
        """Languages accepted in a request; empty when the model does not say, and takes any."""

    @property
    def passage_seconds(self) -> float:
        """Longest clip joined from several segments; 0 where each is best heard on its own."""

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds of audio a clip counts for in a batch: what the model pads it to."""

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch.

        Returns:
            One transcript a request, in the order of the requests; with one for each piece, when
            the clip has pieces.

        Raises:
            ModelError: A clip is too long or its language is not one of ``languages``.
        """
