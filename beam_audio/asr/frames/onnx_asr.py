"""Families that run in the onnx-asr package: GigaAM, Kaldi (Vosk) transducers and T-one.

The package gets one clip at a time, because in some of its batches a result depends on the other
clips: reflections at the end and normalisation inside the networks change with the padding, and a
batch of one takes another path through the Kaldi features. Its transducers decode clip by clip
anyway. NeMo's models run in ``beam_audio.asr.frames.nemo``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beam_audio.asr.frames.clip_groups import group_clips
from beam_audio.asr.frames.nemo import MISSING
from beam_audio.asr.frames.timed_tokens import TimedToken
from beam_audio.asr.session import (
    CPU,
    check_provider,
    resolve_provider,
    session_options,
    with_options,
    within_share,
)
from beam_audio.errors import ModelError, raise_machine_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.layout import ModelLayout

# The package's names of the families; its names of models are not used: it would download those.
_TYPES: Final = {
    "gigaam-rnnt": "gigaam-v2-rnnt",
    "gigaam-ctc": "gigaam-v2-ctc",
    "gigaam-e2e-rnnt": "gigaam-v3-e2e-rnnt",
    "gigaam-e2e-ctc": "gigaam-v3-e2e-ctc",
    "gigaam-multilingual-ctc": "gigaam-multilingual-ctc",
    "kaldi-transducer": "kaldi-rnnt",
    "t-one-ctc": "t-one-ctc",
}
_SECONDS_PER_FEATURE: Final = 0.01


class OnnxAsrModel:
    """A model loaded by onnx-asr from a local directory; a ``FrameModel``.

    Args:
        layout: Files of one of these families.
        sample_rate_hz: Sample rate of the clips.
        options: Provider and threads.

    Raises:
        ModelError: A file is of another kind, or onnx-asr is not installed.
        ProviderError: The provider was required and cannot be used.
    """

    takes_batches = False

    def __init__(
        self,
        layout: ModelLayout,
        sample_rate_hz: int,
        options: ModelOptions,
    ) -> None:
        name = resolve_provider(options.provider)
        adapter = _load(layout, name, options)
        self.provider = _provider_in_use(adapter.asr)
        check_provider(name, self.provider, require_provider=options.require_provider)
        self._model = adapter.with_timestamps()
        self._rate_hz = sample_rate_hz
        self._seconds_per_frame = _frame_seconds(layout)

    def tokens(self, clips: Sequence[NDArray[np.float32]]) -> list[list[TimedToken]]:
        """Tokens of each clip, float32 of shape (n,); the package does not give their ids."""
        found: dict[int, list[TimedToken]] = {}
        for group in group_clips(clips, self._rate_hz, together=False):
            (row,) = group.rows
            heard = self._model.recognize(group.samples[0], sample_rate=self._rate_hz)
            found[row] = [
                TimedToken(None, text, start, start + self._seconds_per_frame, min(logprob, 0.0))
                for text, start, logprob in zip(
                    heard.tokens or (), heard.timestamps or (), heard.logprobs or (), strict=True
                )
            ]
        return [found[row] for row in range(len(clips))]


def _load(layout: ModelLayout, provider: str, options: ModelOptions) -> Any:  # noqa: ANN401 (generic over private types)
    """Load the sessions on the provider; features, which are cheap, are computed on the CPU."""
    try:
        import onnx_asr  # noqa: PLC0415 (optional, comes with an extra)
    except ImportError as error:
        raise ModelError(MISSING) from error
    try:
        return onnx_asr.load_model(
            _TYPES[layout.family],
            layout.directory,
            quantization=layout.suffix or None,
            providers=[CPU],
            asr_config={
                "providers": within_share(with_options(provider), options.gpu_memory_fraction),
                "sess_options": session_options(options.threads),
            },
        )
    except Exception as error:  # the errors of the two libraries share no class
        raise_machine_error(error, f"cannot load {layout.directory}")
        raise ModelError(f"onnx-asr cannot load {layout.directory}: {error}") from error


def _provider_in_use(asr: object) -> str:
    """The provider of the model's sessions; the CPU if they differ."""
    from onnxruntime import InferenceSession  # noqa: PLC0415 (optional, comes with an extra)

    sessions = [part for part in vars(asr).values() if isinstance(part, InferenceSession)]
    in_use = {session.get_providers()[0] for session in sessions}
    return str(in_use.pop()) if len(in_use) == 1 else CPU


def _frame_seconds(layout: ModelLayout) -> float:
    """Step of the frames in seconds, read as the package reads it."""
    config = layout.config()
    if layout.family == "t-one-ctc":
        factor = config["encoder_params"].get("reduction_kernel_size")
    else:
        factor = config.get("subsampling_factor", 4)
    if not isinstance(factor, int) or factor < 1:
        raise ModelError(
            f"the config.json of {layout.directory} does not state the step of the frames"
        )
    return _SECONDS_PER_FEATURE * factor
