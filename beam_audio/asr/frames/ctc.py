"""CTC models like wav2vec2, as Hugging Face publishes and optimum exports them.

The graph takes ``input_values`` (clips, samples) and, in some exports, ``attention_mask``. It gives
``logits`` (clips, frames, vocabulary). ``vocab.json`` names the tokens, ``config.json`` the blank
and the convolutions, ``preprocessor_config.json`` whether clips are normalised, and
``tokenizer_config.json`` what separates words. Missing settings have the values of wav2vec2 base.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.device_values import Device
from beam_audio.asr.frames.best_path import BestPath, runs
from beam_audio.asr.frames.clip_groups import group_clips
from beam_audio.asr.frames.timed_tokens import TimedToken
from beam_audio.asr.session import CPU, make_session
from beam_audio.errors import ModelError
from beam_audio.models.graph_files import mixes_rows
from beam_audio.models.whisper.config import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.frames.clip_groups import ClipGroup
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.layout import ModelLayout

_KERNELS: Final = (10, 3, 3, 3, 3, 2, 2)
_STRIDES: Final = (5, 2, 2, 2, 2, 2, 2)
_BLANKS: Final = ("<pad>", "[PAD]", "<blank>")
_SPECIAL: Final = re.compile(r"<.+>|\[.+\]")  # <s>, </s>, <unk> and [UNK] have no text
_VARIANCE_FLOOR: Final = 1e-7  # the value of Hugging Face's feature extractor
_FLOATS: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True, slots=True)
class CtcSettings:
    """The settings in the files beside the graph.

    Attributes:
        texts: Token -> its text; the text of the word delimiter is a space.
        blank: The token that separates others.
        kernels: Widths of the convolutions over samples.
        strides: Steps of the convolutions.
        normalise: Whether a clip is scaled to mean 0 and variance 1.
    """

    texts: dict[int, str]
    blank: int
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    normalise: bool

    def frames(self, samples: int) -> int:
        """Number of frames that the convolutions make of this many samples."""
        for kernel, stride in zip(self.kernels, self.strides, strict=True):
            samples = (samples - kernel) // stride + 1
        return samples

    @property
    def samples_per_frame(self) -> int:
        """Step from one frame to the next."""
        return math.prod(self.strides)


def read_settings(layout: ModelLayout) -> CtcSettings:
    """Read the files beside the graph.

    Raises:
        ModelError: A file is malformed, or the vocabulary has no blank.
    """
    config = layout.config()
    preprocessor = _optional(layout.directory / "preprocessor_config.json")
    tokenizer = _optional(layout.directory / "tokenizer_config.json")
    path = layout.files["vocabulary"]
    vocabulary = read_json(path)
    if not all(isinstance(token, int) for token in vocabulary.values()):
        raise ModelError(
            f"{path} does not map tokens to numbers; if it has one vocabulary per language, keep "
            "only that of the language of the model's adapter"
        )
    try:
        kernels = tuple(int(size) for size in config.get("conv_kernel", _KERNELS))
        strides = tuple(int(size) for size in config.get("conv_stride", _STRIDES))
    except (TypeError, ValueError) as error:
        raise ModelError(f"conv_kernel or conv_stride in {layout.directory} is wrong") from error
    if len(kernels) != len(strides) or min((*kernels, *strides), default=0) < 1:
        raise ModelError(f"conv_kernel and conv_stride in {layout.directory} do not fit together")
    return CtcSettings(
        texts=_texts(vocabulary, tokenizer),
        blank=_blank(vocabulary, config, path),
        kernels=kernels,
        strides=strides,
        normalise=bool(preprocessor.get("do_normalize", True)),
    )


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _texts(vocabulary: dict[str, int], tokenizer: dict[str, Any]) -> dict[int, str]:
    delimiter = str(tokenizer.get("word_delimiter_token") or "|")
    lower = bool(tokenizer.get("do_lower_case", False))
    texts = {}
    for text, token in vocabulary.items():
        written = " " if text == delimiter else "" if _SPECIAL.fullmatch(text) else text
        texts[token] = written.lower() if lower else written
    return texts


def _blank(vocabulary: dict[str, int], config: dict[str, Any], path: Path) -> int:
    stated = config.get("pad_token_id")
    named = (vocabulary[token] for token in _BLANKS if token in vocabulary)
    blank = stated if isinstance(stated, int) else next(named, None)
    if blank is None:
        raise ModelError(
            f"{path} has no token {' or '.join(_BLANKS)}, and config.json no pad_token_id: the "
            "blank token is unknown"
        )
    return blank


class CtcModel:
    """A loaded export; a ``FrameModel``.

    Clips share a call only on a device, and only if the graph takes a mask. Without a mask, the
    normalisation inside the network would include the padding.

    Args:
        layout: Files of the family ``wav2vec2-ctc``.
        sample_rate_hz: Sample rate of the clips.
        options: Provider and threads.

    Raises:
        ModelError: The graph or a file beside it is of another kind.
        ProviderError: The provider was required and cannot be used.
    """

    def __init__(
        self,
        layout: ModelLayout,
        sample_rate_hz: int,
        options: ModelOptions,
    ) -> None:
        path = layout.files["model"]
        self._path = path
        self._settings = read_settings(layout)
        self._sample_rate_hz = sample_rate_hz
        self._session = make_session(path, options)
        self.provider: str = self._session.get_providers()[0]
        inputs = {entry.name: entry.type for entry in self._session.get_inputs()}
        outputs = {entry.name: entry.type for entry in self._session.get_outputs()}
        kind = inputs.get("input_values")
        if kind not in _FLOATS or inputs.keys() - {"input_values", "attention_mask"}:
            raise ModelError(f"{path} takes {', '.join(inputs)}, not input_values of samples")
        if "logits" not in outputs:
            raise ModelError(f"{path} gives {', '.join(outputs)}, but no logits")
        self._device = Device(self.provider)
        self._best_path = BestPath(outputs["logits"], self._device, options)
        self._float = _FLOATS[kind]
        self._masked = "attention_mask" in inputs
        self.takes_batches = self._masked and self.provider != CPU and not mixes_rows(path)

    def tokens(self, clips: Sequence[NDArray[np.float32]]) -> list[list[TimedToken]]:
        """Tokens of each clip, float32 of shape (n,)."""
        found: dict[int, list[TimedToken]] = {}
        for group in group_clips(clips, self._sample_rate_hz, together=self.takes_batches):
            paths = zip(*self._best_path(self._logits(group)), strict=True)
            for row, (tokens, logprobs), length in zip(
                group.rows, paths, group.lengths, strict=True
            ):
                frames = self._settings.frames(int(length))
                found[row] = self._clip_tokens(tokens[:frames], logprobs[:frames])
        return [found[row] for row in range(len(clips))]

    def _logits(self, group: ClipGroup) -> Any:  # noqa: ANN401 (the library has no types)
        """A value (clips, frames, vocabulary), including the frames of padding."""
        samples, lengths = group.samples, group.lengths
        if self._settings.normalise:
            pairs = zip(samples, lengths, strict=True)
            samples = np.stack([_normalised(clip, int(length)) for clip, length in pairs])
        feed: dict[str, NDArray[Any]] = {"input_values": samples.astype(self._float, copy=False)}
        if self._masked:
            heard = np.arange(samples.shape[1]) < lengths[:, None]
            feed["attention_mask"] = heard.astype(np.int64)
        values = {name: self._device.put(array) for name, array in feed.items()}
        logits = self._device.run(self._session, values, ["logits"])["logits"]
        expected, made = self._settings.frames(samples.shape[1]), logits.shape()[1]
        if made != expected:
            raise ModelError(
                f"{self._path} makes {made} frames of {samples.shape[1]} samples, but "
                f"its config.json says {expected}: conv_kernel and conv_stride belong to another "
                "model"
            )
        return logits

    def _clip_tokens(
        self, tokens: NDArray[np.int64], logprobs: NDArray[np.float32]
    ) -> list[TimedToken]:
        step = self._settings.samples_per_frame / self._sample_rate_hz
        texts = self._settings.texts
        return [
            TimedToken(run.token, text, run.start * step, run.stop * step, run.logprob)
            for run in runs(tokens, logprobs, self._settings.blank)
            if (text := texts.get(run.token))
        ]


def _normalised(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """A clip scaled to mean 0 and variance 1, with zeros after its end."""
    clip = samples[:length].astype(np.float64)
    result = np.zeros_like(samples)
    result[:length] = (clip - clip.mean()) / np.sqrt(clip.var() + _VARIANCE_FLOOR)
    return result
