"""Which precision ``--precision=auto`` is, decided once, before any worker starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from apache_beam.options.pipeline_options import DebugOptions, GoogleCloudOptions, StandardOptions

from beam_audio.asr import model_facts
from beam_audio.asr.gpu import has_gpu
from beam_audio.asr.registry import PLACEHOLDER
from beam_audio.errors import ChecksumError, ModelError
from beam_audio.run.run_flags import AUTO_PRECISION
from beam_audio.run.runners import is_dataflow, is_local

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.run.config import RunConfig

_OF_GPUS: Final = {"cuda", "cudaexecutionprovider", "tensorrt", "tensorrtexecutionprovider"}
_HALF: Final = "float16"
_ACCELERATOR: Final = "worker_accelerator"


def with_precision(config: RunConfig, options: PipelineOptions, model: str) -> RunConfig:
    """The configuration with its precision decided.

    ``auto`` is float16 if the workers have a GPU and the model can be had in it. Then the provider
    is decided, too, and required: a worker whose GPU cannot be used fails, rather than run float16
    slowly on its CPU. Otherwise it is the model's own precision.

    Args:
        config: The flags.
        options: Beam's flags, which say where the workers are.
        model: The model, at hand on this machine.
    """
    if config.precision != AUTO_PRECISION:
        return config
    own = replace(config, precision=None)
    if not workers_have_gpu(config, options) or not _can_be_half(own, model):
        return own
    provider = "cuda" if config.provider.lower() == "auto" else config.provider
    return replace(own, precision=_HALF, provider=provider, require_provider=True)


def workers_have_gpu(config: RunConfig, options: PipelineOptions) -> bool:
    """Whether models run on a GPU: as the flags say, or if they do not, as this machine does.

    On this machine a GPU has to be there: without one, its CPU is used as before.
    """
    provider = config.provider.lower()
    if provider not in {"auto", *_OF_GPUS}:
        return False
    if is_local(options):
        return has_gpu()
    return provider in _OF_GPUS or (is_dataflow(options) and _has_accelerator(options))


def _has_accelerator(options: PipelineOptions) -> bool:
    """Whether a job on Dataflow asks for workers with a GPU."""
    asked = (
        *(options.view_as(GoogleCloudOptions).dataflow_service_options or ()),
        *(options.view_as(DebugOptions).experiments or ()),
    )
    hints = options.view_as(StandardOptions).resource_hints or ()
    return any(each.startswith(_ACCELERATOR) for each in asked) or any(
        each.startswith("accelerator") for each in hints
    )


def _can_be_half(config: RunConfig, model: str) -> bool:
    """Whether the model can be had in float16: a folder may hold it in another precision alone."""
    if model == PLACEHOLDER:
        return False
    try:
        model_facts(model, replace(config.model_options, precision=_HALF))
    except ChecksumError:
        raise
    except ModelError:  # in its own precision the same error comes again, if it has another cause
        return False
    return True
