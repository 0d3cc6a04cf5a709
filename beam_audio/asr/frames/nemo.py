"""NeMo's Conformer models as exported to ONNX: CTC, RNN-T and TDT (Parakeet among them).

Graphs, by the names NeMo's exporter gives their inputs and outputs::

    model.onnx                audio_signal, length -> logprobs
    encoder-model.onnx        audio_signal, length -> outputs, encoded_lengths
    decoder_joint-model.onnx  encoder_outputs, targets, target_length, input_states_{1,2}
                              -> outputs, output_states_{1,2}

Each line of ``vocab.txt`` holds a token and its number; ``<blk>`` is the blank. ``config.json`` may
state ``features_size`` (80), ``subsampling_factor`` (8) and ``max_tokens_per_step`` (10), as in
onnx-asr, whose feature extraction is used. On the CPU each clip is encoded on its own; a batch is
always decoded together. Features, frames and scores stay in the memory of the provider.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.device_values import Device
from beam_audio.asr.frames.best_path import BestPath, runs
from beam_audio.asr.frames.clip_groups import group_clips
from beam_audio.asr.frames.label_loop import TransducerRules
from beam_audio.asr.frames.timed_tokens import TimedToken
from beam_audio.asr.frames.transducer import Encoded, TransducerDecoder
from beam_audio.asr.session import CPU, make_session
from beam_audio.errors import ModelError
from beam_audio.models.graph_files import mixes_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.frames.clip_groups import ClipGroup
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.layout import ModelLayout

    # From samples and lengths to values of the device: features, and their number in each clip.
    Features = Callable[[NDArray[np.float32], NDArray[np.int64]], tuple[Any, Any]]
    _Found = tuple[int, int, int, float]  # token, first frame, the frame after the last, logprob

MISSING: Final = "this model needs the onnx-asr package: pip install 'beam_audio[onnx-asr]'"
_RATE_HZ: Final = 16000
_SECONDS_PER_FEATURE: Final = 0.01
_FEATURE_SIZES: Final = (80, 128)
_BLANK: Final = "<blk>"


def read_vocabulary(path: Path) -> list[str]:
    """Tokens by number; the space mark of SentencePiece becomes a space.

    Raises:
        ModelError: The file is malformed, numbers are missing, or there is no blank.
    """
    tokens = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: {error}") from error
    for line in lines:
        token, _, number = line.rpartition(" ")
        if not token or not number.isascii() or not number.isdigit():
            raise ModelError(f"{path}: {line!r} is not a token and a number")
        tokens[int(number)] = token.replace("\N{LOWER ONE EIGHTH BLOCK}", " ")
    if sorted(tokens) != list(range(len(tokens))) or _BLANK not in tokens.values():
        raise ModelError(f"{path} lacks some of the numbers from 0 on, or the token {_BLANK}")
    return [tokens[number] for number in range(len(tokens))]


class NemoModel:
    """A loaded export; a ``FrameModel``.

    Args:
        layout: Files of one of the families ``nemo-…``.
        options: Provider and threads.

    Raises:
        ModelError: A file is of another kind, or onnx-asr is not installed.
        ProviderError: The provider was required and cannot be used.
    """

    def __init__(
        self,
        layout: ModelLayout,
        options: ModelOptions,
    ) -> None:
        config = layout.config()
        self._vocabulary = read_vocabulary(layout.files["vocabulary"])
        self._subsampling = _positive(config, "subsampling_factor", 8)
        self._blank = self._vocabulary.index(_BLANK)
        self._is_ctc = layout.family == "nemo-ctc"
        path = layout.files["model" if self._is_ctc else "encoder"]
        self._encoder = make_session(path, options)
        self.provider: str = self._encoder.get_providers()[0]
        self._device = Device(self.provider)
        one_clip = isinstance(self._encoder.get_inputs()[0].shape[0], int)
        self.takes_batches = self.provider != CPU and not one_clip and not mixes_rows(path)
        self._features = _feature_extractor(config, self._device, self.provider, options)
        if self._is_ctc:
            self._best_path = BestPath("tensor(float)", self._device, options)
            return
        rules = TransducerRules(
            blank=self._blank,
            vocabulary=len(self._vocabulary),
            max_tokens_per_frame=_positive(config, "max_tokens_per_step", 10),
            has_durations=layout.family == "nemo-tdt",
        )
        path = layout.files["decoder_joint"]
        self._decoder = TransducerDecoder(path, rules, self._device, options)
        self.takes_batches &= self._decoder.takes_batches

    def tokens(self, clips: Sequence[NDArray[np.float32]]) -> list[list[TimedToken]]:
        """Tokens of each clip, float32 of shape (n,)."""
        groups = group_clips(clips, _RATE_HZ, together=self.takes_batches)
        found = self._ctc(groups) if self._is_ctc else self._transducer(groups)
        step = _SECONDS_PER_FEATURE * self._subsampling
        return [
            [
                TimedToken(token, self._vocabulary[token], start * step, stop * step, logprob)
                for token, start, stop, logprob in of_clip
            ]
            for of_clip in found
        ]

    def _encode(self, group: ClipGroup, outputs: tuple[str, ...]) -> tuple[dict[str, Any], Any]:
        """Outputs of the encoder, and the number of features of each clip."""
        features, counts = self._features(group.samples, group.lengths)
        feed = {"audio_signal": features, "length": counts}
        return self._device.run(self._encoder, feed, outputs), counts

    def _ctc(self, groups: Iterable[ClipGroup]) -> list[list[_Found]]:
        found: dict[int, list[_Found]] = {}
        for group in groups:
            outputs, counts = self._encode(group, ("logprobs",))
            scores = outputs["logprobs"].shape()[2]
            if scores != len(self._vocabulary):
                raise ModelError(
                    f"the network scores {scores} tokens, but vocab.txt has "
                    f"{len(self._vocabulary)}: they belong to different models"
                )
            lengths = (self._device.fetch(counts) - 1) // self._subsampling + 1
            paths = zip(*self._best_path(outputs["logprobs"]), strict=True)
            for row, (tokens, logprobs), n in zip(group.rows, paths, lengths, strict=True):
                found[row] = [
                    (run.token, run.start, run.stop, run.logprob)
                    for run in runs(tokens[:n], logprobs[:n], self._blank)
                ]
        return [found[row] for row in sorted(found)]

    def _transducer(self, groups: Iterable[ClipGroup]) -> list[list[_Found]]:
        encoded = []
        for group in groups:
            outputs, _ = self._encode(group, ("outputs", "encoded_lengths"))
            lengths = self._device.fetch(outputs["encoded_lengths"]).astype(np.int64)
            encoded.append(Encoded(group.rows, outputs["outputs"], lengths))
        return [
            [(one.token, one.frame, one.frame + one.frames, one.logprob) for one in clip]
            for clip in self._decoder.decode(encoded)
        ]


def _positive(config: dict[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"config.json: {name} is {value!r}, not a number of at least 1")
    return value


def _feature_extractor(
    config: dict[str, Any], device: Device, provider: str, options: ModelOptions
) -> Features:
    """Log-mel features of onnx-asr: numpy on the CPU, a graph on a device."""
    size = config.get("features_size", _FEATURE_SIZES[0])
    if size not in _FEATURE_SIZES:
        raise ModelError(f"config.json: features_size is {size!r}, not one of {_FEATURE_SIZES}")
    try:
        from onnx_asr import preprocessors  # noqa: PLC0415 (optional, comes with an extra)
        from onnx_asr.preprocessors import numpy_preprocessor  # noqa: PLC0415
    except ImportError as error:
        raise ModelError(MISSING) from error
    if provider == CPU:
        by_numpy = numpy_preprocessor.NemoPreprocessorNumpy(f"nemo{size}")

        def compute(samples: NDArray[np.float32], lengths: NDArray[np.int64]) -> tuple[Any, Any]:
            features, counts = by_numpy(samples, lengths)
            return device.put(features.astype(np.float32, copy=False)), device.put(counts)

        return compute
    graph = resources.files(preprocessors).joinpath("data", f"nemo{size}_conv.onnx").read_bytes()
    session = make_session(graph, options)

    def on_device(samples: NDArray[np.float32], lengths: NDArray[np.int64]) -> tuple[Any, Any]:
        feed = {"waveforms": device.put(samples), "waveforms_lens": device.put(lengths)}
        found = device.run(session, feed, ("features", "features_lens"))
        return found["features"], found["features_lens"]

    return on_device
