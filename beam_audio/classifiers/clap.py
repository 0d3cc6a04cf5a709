"""CLAP: labels in words that nobody trained on, by a network for sounds and one for texts.

The scores are those of Hugging Face's pipeline ``zero-shot-audio-classification``: a softmax over
how near the clip is to each label's sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from beam_audio.classifiers.heard import MOST_LABELS, EventSettings, Heard
from beam_audio.classifiers.huggingface import read_json, softmax
from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.quality.spectrogram import centred_decibels, mel_filters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_PADDING_TOKEN: Final = "<pad>"  # noqa: S105 - no secret
_USUAL_SCALE: Final = 1 / 0.07
_VIEWS: Final = 4  # a network with fusion hears a short clip four times


@dataclass(frozen=True, slots=True)
class ClapFiles:
    """The files of a CLAP as ONNX: two networks, and what Hugging Face saves beside them."""

    audio: Path
    text: Path
    tokenizer: Path
    config: Path
    preprocessor: Path


@dataclass(frozen=True, slots=True)
class _FrontEnd:
    """How a clip becomes a spectrogram; the values of ``preprocessor_config.json``."""

    rate_hz: int
    bands: int
    fft_samples: int
    hop_samples: int
    lowest_hz: float
    highest_hz: float
    longest_samples: int
    padding: str
    has_fusion: bool

    @classmethod
    def read(cls, file: Path) -> Self:
        front = read_json(file)
        rate_hz = int(front.get("sampling_rate", 48_000))
        return cls(
            rate_hz,
            bands=int(front.get("feature_size", 64)),
            fft_samples=int(front.get("fft_window_size", 1024)),
            hop_samples=int(front.get("hop_length", 480)),
            lowest_hz=float(front.get("frequency_min", 0)),
            highest_hz=float(front.get("frequency_max", 14_000)),
            longest_samples=int(front.get("max_length_s", 10)) * rate_hz,
            padding=str(front.get("padding", "repeatpad")),
            has_fusion=front.get("truncation", "fusion") == "fusion",
        )

    def features(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (views, frames, bands), of a clip that is no longer than the longest."""
        filters = mel_filters(
            "htk" if self.has_fusion else "slaney",
            self.bands,
            self.fft_samples,
            self.rate_hz,
            self.lowest_hz,
            self.highest_hz,
        )
        filled = self._filled(clip)
        decibels = centred_decibels(filled, filters, self.fft_samples, self.hop_samples)
        views = _VIEWS if self.has_fusion else 1
        return np.repeat(decibels[np.newaxis], views, axis=0).astype(np.float32)

    def _filled(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.padding == "repeat":
            return np.resize(clip, self.longest_samples)
        if self.padding == "repeatpad":
            clip = np.tile(clip, self.longest_samples // len(clip))
        return np.pad(clip, (0, self.longest_samples - len(clip)))


@dataclass(frozen=True, slots=True, eq=False)
class ClapClassifier:
    """A loaded CLAP with its labels. A longer clip than it takes is heard in equal parts."""

    session: Any
    labels: tuple[str, ...]
    directions: NDArray[np.float32] = field(repr=False)
    scale: float
    front: _FrontEnd
    events: ClassVar[EventSettings] = EventSettings((0.0,), most_labels=MOST_LABELS)

    @classmethod
    def load(cls, files: ClapFiles, labels: Sequence[str], template: str) -> Self:
        """Load the networks and embed the labels, once.

        Args:
            files: The files.
            labels: What may sound.
            template: A sentence with ``{}`` where a label stands.

        Raises:
            ModelError: A network or the tokenizer cannot be loaded.
        """
        config = read_json(files.config)
        scale = float(config.get("logit_scale_init_value", _USUAL_SCALE))
        texts = [template.replace("{}", label) for label in labels]
        return cls(
            one_thread_session(files.audio),
            tuple(labels),
            _text_directions(files, texts),
            float(config.get("logit_scale", scale)),
            _FrontEnd.read(files.preprocessor),
        )

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the clips."""
        return self.front.rate_hz

    def hear(self, clip: NDArray[np.float32]) -> Heard:
        """Score a clip."""
        parts = np.array_split(clip, math.ceil(len(clip) / self.front.longest_samples))
        seconds = len(clip) / len(parts) / self.sample_rate_hz
        return Heard(np.stack([self._scores(part) for part in parts]), seconds, seconds)

    def _scores(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        given: dict[str, NDArray[Any]] = {"input_features": self.front.features(part)[np.newaxis]}
        if any(each.name == "is_longer" for each in self.session.get_inputs()):
            # The pipeline says so of every single clip that a network with fusion hears.
            given["is_longer"] = np.array([[self.front.has_fusion]])
        found: NDArray[np.float32] = self.session.run(["audio_embeds"], given)[0][0]
        direction = found / np.linalg.norm(found)
        return softmax(np.float32(self.scale) * (self.directions @ direction))


def _text_directions(files: ClapFiles, texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors (texts, dimensions)."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - takes long to import

    try:
        tokenizer = Tokenizer.from_file(str(files.tokenizer))
    except Exception as error:  # its errors share no class
        raise ModelError(f"{files.tokenizer} is no tokenizer: {error}") from error
    tokenizer.enable_padding(
        pad_id=tokenizer.token_to_id(_PADDING_TOKEN) or 0, pad_token=_PADDING_TOKEN
    )
    encoded = tokenizer.encode_batch(texts)
    known = {
        "input_ids": np.array([each.ids for each in encoded], np.int64),
        "attention_mask": np.array([each.attention_mask for each in encoded], np.int64),
    }
    session = one_thread_session(files.text)
    given = {each.name: known[each.name] for each in session.get_inputs()}
    found: NDArray[np.float32] = session.run(["text_embeds"], given)[0]
    directions: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
    return directions
