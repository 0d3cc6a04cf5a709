"""NeMo's Conformer models as exported to ONNX: CTC, RNN-T and TDT (Parakeet among them).

Graphs, by the names NeMo's exporter gives their inputs and outputs::

    model.onnx                audio_signal, length -> logprobs
    encoder-model.onnx        audio_signal, length -> outputs, encoded_lengths
    decoder_joint-model.onnx  encoder_outputs, targets, target_length, input_states_{1,2}
                              -> outputs, output_states_{1,2}

Each line of ``vocab.txt`` holds a token and its number; ``<blk>`` is the blank. ``config.json`` may
state ``features_size`` (80), ``subsampling_factor`` (8) and ``max_tokens_per_step`` (10), as in
onnx-asr, whose feature extraction is used. On the CPU each clip is encoded on its own; a batch is
always decoded together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.frames.clip_groups import group_clips
from beam_audio.asr.frames.ctc import greedy_runs, log_softmax
from beam_audio.asr.frames.timed_tokens import TimedToken
from beam_audio.asr.frames.transducer import TransducerRules, decode_greedily
from beam_audio.asr.session import CPU, make_session
from beam_audio.errors import ModelError
from beam_audio.models.graph_files import mixes_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.frames.clip_groups import ClipGroup
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.layout import ModelLayout

    Features = Callable[
        [NDArray[np.float32], NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.int64]]
    ]

MISSING: Final = "this model needs the onnx-asr package: pip install 'beam_audio[onnx-asr]'"
_RATE_HZ: Final = 16000
_SECONDS_PER_FEATURE: Final = 0.01
_FEATURE_SIZES: Final = (80, 128)
_BLANK: Final = "<blk>"
_INTEGERS: Final = {"tensor(int32)": np.int32, "tensor(int64)": np.int64}


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
        def session(role: str) -> Any:  # noqa: ANN401 (the library has no types)
            return make_session(layout.files[role], options)

        config = layout.config()
        self._vocabulary = read_vocabulary(layout.files["vocabulary"])
        self._subsampling = _positive(config, "subsampling_factor", 8)
        self._is_ctc = layout.family == "nemo-ctc"
        role = "model" if self._is_ctc else "encoder"
        self._encoder = session(role)
        self.provider: str = self._encoder.get_providers()[0]
        one_clip = isinstance(self._encoder.get_inputs()[0].shape[0], int)
        mixed = one_clip or mixes_rows(layout.files[role])
        self.takes_batches = self.provider != CPU and not mixed
        self._features = _feature_extractor(config, self.provider)
        self._rules = TransducerRules(
            blank=self._vocabulary.index(_BLANK),
            vocabulary=len(self._vocabulary),
            max_tokens_per_frame=_positive(config, "max_tokens_per_step", 10),
            has_durations=layout.family == "nemo-tdt",
        )
        if not self._is_ctc:
            self._joint = _JointGraph(session("decoder_joint"), layout.files["decoder_joint"])

    def tokens(self, clips: Sequence[NDArray[np.float32]]) -> list[list[TimedToken]]:
        """Tokens of each clip, float32 of shape (n,)."""
        encoded: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(clips)
        for group in group_clips(clips, _RATE_HZ, together=self.takes_batches):
            for row, frames in zip(group.rows, self._encode(group), strict=True):
                encoded[row] = frames
        found = self._ctc(encoded) if self._is_ctc else self._transducer(encoded)
        step = _SECONDS_PER_FEATURE * self._subsampling
        return [
            [
                TimedToken(token, self._vocabulary[token], start * step, stop * step, logprob)
                for token, start, stop, logprob in of_clip
            ]
            for of_clip in found
        ]

    def _encode(self, group: ClipGroup) -> Iterator[NDArray[np.float32]]:
        """The encoder's output for each clip, (frames, width), without the frames of padding."""
        features, counts = self._features(group.samples, group.lengths)
        feed = {"audio_signal": features.astype(np.float32, copy=False), "length": counts}
        if self._is_ctc:
            (outputs,) = self._encoder.run(["logprobs"], feed)
            lengths = (counts - 1) // self._subsampling + 1
        else:
            outputs, lengths = self._encoder.run(["outputs", "encoded_lengths"], feed)
            outputs = outputs.transpose(0, 2, 1)
        for frames, length in zip(outputs, lengths, strict=True):
            yield frames[: int(length)]

    def _ctc(
        self, encoded: list[NDArray[np.float32]]
    ) -> Iterator[Iterator[tuple[int, int, int, float]]]:
        for frames in encoded:
            if frames.shape[1] != len(self._vocabulary):
                raise ModelError(
                    f"the network scores {frames.shape[1]} tokens, but vocab.txt has "
                    f"{len(self._vocabulary)}: they belong to different models"
                )
            runs = greedy_runs(log_softmax(frames), self._rules.blank)
            yield ((run.token, run.start, run.stop, run.logprob) for run in runs)

    def _transducer(
        self, encoded: list[NDArray[np.float32]]
    ) -> Iterator[Iterator[tuple[int, int, int, float]]]:
        emissions = decode_greedily(
            encoded, self._joint, self._rules, self._joint.states, self._joint.rows_at_once
        )
        for clip in emissions:
            yield ((one.token, one.frame, one.frame + one.frames, one.logprob) for one in clip)


class _JointGraph:
    """``decoder_joint-model.onnx``; a ``Joint``."""

    def __init__(self, session: Any, path: Path) -> None:  # noqa: ANN401 (the library has no types)
        self._session = session
        inputs = {entry.name: entry for entry in session.get_inputs()}
        try:
            shapes = [inputs[f"input_states_{number}"].shape for number in (1, 2)]
            self._target_type = _INTEGERS[inputs["targets"].type]
            self._length_type = _INTEGERS[inputs["target_length"].type]
            self.states = tuple(
                np.zeros((int(layers), 1, int(size)), np.float32) for layers, _, size in shapes
            )
            clips = inputs["encoder_outputs"].shape[0]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{path} is not a decoder and joint network of NeMo: {error}"
            ) from error
        # Exports for exactly one clip, or with one scale for all rows, get one row at a time.
        self.rows_at_once = 1 if isinstance(clips, int) or mixes_rows(path) else None

    def __call__(
        self,
        frames: NDArray[np.float32],
        tokens: NDArray[np.int64],
        states: tuple[NDArray[np.float32], ...],
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """One step: see ``Joint``."""
        outputs, first, second = self._session.run(
            ["outputs", "output_states_1", "output_states_2"],
            {
                "encoder_outputs": np.ascontiguousarray(frames[:, :, None]),
                "targets": tokens[:, None].astype(self._target_type),
                "target_length": np.ones(len(tokens), self._length_type),
                "input_states_1": states[0],
                "input_states_2": states[1],
            },
        )
        return outputs.reshape(len(tokens), -1), (first, second)


def _positive(config: dict[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"config.json: {name} is {value!r}, not a number of at least 1")
    return value


def _feature_extractor(config: dict[str, Any], provider: str) -> Features:
    """Log-mel features of onnx-asr: numpy on the CPU, a graph on a device."""
    size = config.get("features_size", _FEATURE_SIZES[0])
    if size not in _FEATURE_SIZES:
        raise ModelError(f"config.json: features_size is {size!r}, not one of {_FEATURE_SIZES}")
    try:
        from onnx_asr.preprocessors import (  # noqa: PLC0415 (optional, comes with an extra)
            numpy_preprocessor,
            preprocessor,
        )
    except ImportError as error:
        raise ModelError(MISSING) from error
    if provider == CPU:
        return numpy_preprocessor.NemoPreprocessorNumpy(f"nemo{size}")
    return preprocessor.OnnxPreprocessor(f"nemo{size}_conv", {"providers": [provider, CPU]})
