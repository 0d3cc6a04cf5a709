"""Audio classifiers of Hugging Face as ONNX: what their pipeline of that name gives.

The feature extractor is read from ``preprocessor_config.json``, the labels and what the scores are
made with from ``config.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from beam_audio.classifiers.heard import MOST_LABELS, EventSettings, Heard
from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.quality.spectrogram import (
    FRAME_SAMPLES,
    HOP_SAMPLES,
    KALDI_RATE_HZ,
    kaldi_fbank,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_LONGEST_SECONDS: Final = 30
_SHORTEST_SAMPLES: Final = 1_600
_LEAST_VARIANCE: Final = 1e-7
_AST: Final = "ASTFeatureExtractor"
_WAVEFORM: Final = "Wav2Vec2FeatureExtractor"
# The defaults of ASTFeatureExtractor, which files may leave out.
_AST_BANDS: Final = 128
_AST_FRAMES: Final = 1024
_AST_MEAN: Final = -4.2677393
_AST_DEVIATION: Final = 4.5689974


@dataclass(frozen=True, slots=True, eq=False)
class HuggingFaceClassifier:
    """A loaded classifier. A clip that is longer than its window is heard in equal parts."""

    session: Any
    labels: tuple[str, ...]
    sample_rate_hz: int
    longest_samples: int
    features: Features
    scores: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    events: ClassVar[EventSettings] = EventSettings((0.0,), most_labels=MOST_LABELS)

    @classmethod
    def load(cls, network: Path, config: Path, preprocessor: Path) -> Self:
        """Load the network and read the files beside it.

        Raises:
            ModelError: The network cannot be loaded, or the files ask for what is not known here.
        """
        said, front = read_json(config), read_json(preprocessor)
        rate_hz = int(front.get("sampling_rate", KALDI_RATE_HZ))
        features, longest_samples = _front_end(front, preprocessor, rate_hz)
        return cls(
            one_thread_session(network),
            _labels(said, config),
            rate_hz,
            longest_samples,
            features,
            _SCORES.get(str(said.get("problem_type")), softmax),
        )

    def hear(self, clip: NDArray[np.float32]) -> Heard:
        """Score a clip; a shorter one than 0.1 s is filled with zeros."""
        padded = np.pad(clip, (0, max(0, _SHORTEST_SAMPLES - len(clip))))
        parts = np.array_split(padded, -(-len(padded) // self.longest_samples))
        seconds = len(clip) / len(parts) / self.sample_rate_hz
        values = [self.scores(self._logits(self.features(part))) for part in parts]
        return Heard(np.stack(values), seconds, seconds)

    def _logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        given: dict[str, NDArray[Any]] = {}
        for each in self.session.get_inputs():
            is_mask = each.name == "attention_mask"
            batch = features[np.newaxis]
            given[each.name] = np.ones(batch.shape, np.int64) if is_mask else batch
        logits: NDArray[np.float32] = self.session.run(["logits"], given)[0][0]
        return logits


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelError: It holds none.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} holds no JSON object")
    return found


def _labels(config: dict[str, Any], file: Path) -> tuple[str, ...]:
    named = config.get("id2label")
    if not isinstance(named, dict) or not named:
        raise ModelError(f"{file} names no labels: it needs id2label")
    try:
        return tuple(str(named[str(place)]) for place in range(len(named)))
    except KeyError as error:
        raise ModelError(f"{file} has no label {error} in id2label") from error


def _front_end(front: dict[str, Any], file: Path, rate_hz: int) -> tuple[Features, int]:
    """Clips to the network's input, and the most samples that it takes."""
    kind = front.get("feature_extractor_type")
    if kind == _WAVEFORM:
        is_normalised = bool(front.get("do_normalize", True))
        return (_normalised if is_normalised else _as_it_is), _LONGEST_SECONDS * rate_hz
    if kind == _AST and rate_hz == KALDI_RATE_HZ:
        frames = int(front.get("max_length", _AST_FRAMES))
        return _ast(front, frames), FRAME_SAMPLES + (frames - 1) * HOP_SAMPLES
    raise ModelError(
        f"{file} names the feature extractor {kind!r} at {rate_hz} Hz; known are {_WAVEFORM}, and "
        f"{_AST} at {KALDI_RATE_HZ} Hz"
    )


def _ast(front: dict[str, Any], frames: int) -> Features:
    bands = int(front.get("num_mel_bins", _AST_BANDS))
    mean = float(front.get("mean", _AST_MEAN))
    deviation = float(front.get("std", _AST_DEVIATION))
    is_normalised = bool(front.get("do_normalize", True))

    def features(clip: NDArray[np.float32]) -> NDArray[np.float32]:
        energies = kaldi_fbank(clip, bands, "hanning")
        filled = np.pad(energies, ((0, frames - len(energies)), (0, 0)))
        return (((filled - mean) / (2 * deviation)) if is_normalised else filled).astype(np.float32)

    return features


def _normalised(clip: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = (clip - clip.mean()) / np.sqrt(clip.var() + _LEAST_VARIANCE)
    return scaled.astype(np.float32)


def _as_it_is(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares (n,) that sum to 1, of values (n,)."""
    powers: NDArray[np.float32] = np.exp(logits - logits.max())
    shares: NDArray[np.float32] = powers / powers.sum()
    return shares


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.float32(1.0) / (np.float32(1.0) + np.exp(-logits))


_SCORES: Final = {"multi_label_classification": _sigmoid, "regression": _as_it_is}
