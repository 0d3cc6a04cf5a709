"""ONNX Runtime sessions: every session of a model is made here."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from typing import TYPE_CHECKING, Any

from beam_audio.asr.device_memory import cuda_memory
from beam_audio.asr.tensorrt import engine_options, load_tensorrt
from beam_audio.errors import ModelError, ProviderError, raise_machine_error

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr.model_options import ModelOptions

_Providers = list[tuple[str, dict[str, str]]]
"""Providers, the one that is wanted first, each with its options."""

CPU = "CPUExecutionProvider"
_PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
# The provider tried before the CPU.
_SECOND_CHOICE = {_PROVIDERS["tensorrt"]: _PROVIDERS["cuda"]}
_CUDA_OPTIONS = {
    # By default the arena doubles when it is full, and leaves others no memory of the card.
    "arena_extend_strategy": "kSameAsRequested",
    # By default float32 is multiplied with 10 bits of its 23, and the CPU's text is not kept.
    "use_tf32": "0",
}
_TENSORRT_MISSING = "install TensorRT libraries"  # what ONNX Runtime says then
_CURE = (
    "install the build that has it (for CUDA: pip uninstall onnxruntime, then "
    "pip install 'beam_audio[gpu]') and check the driver"
)
_CURES = {
    _PROVIDERS["tensorrt"]: "install TensorRT 10 beside beam_audio[gpu] "
    "(pip install 'tensorrt-cu13>=10,<11') and check the driver",
}
_LOG = logging.getLogger(__name__)
_ERRORS_ONLY = 3
_MISSING = (
    "ONNX Runtime is not installed: run pip install 'beam_audio[cpu]', "
    "or on a machine with an NVIDIA GPU pip install 'beam_audio[gpu]'"
)


def _onnxruntime() -> Any:  # noqa: ANN401 (the library has no types)
    try:
        import onnxruntime  # noqa: PLC0415 (optional, comes with an extra)
    except ImportError as error:
        raise_machine_error(error, "cannot load onnxruntime")
        raise ModelError(_MISSING) from error
    # Operators that it warns of by itself, such as ScatterND, are used as they are meant to be.
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    return onnxruntime


def available_providers() -> tuple[str, ...]:
    """Execution providers this ONNX Runtime was built with; only a session shows if one works.

    Raises:
        ModelError: ONNX Runtime is not installed.
    """
    return tuple(_onnxruntime().get_available_providers())


def resolve_provider(provider: str) -> str:
    """ONNX Runtime's name of a provider: ``auto``, a short name such as ``cuda``, or a full name.

    ``auto`` is CUDA if this ONNX Runtime has it, else the CPU.

    Raises:
        ModelError: The name is unknown, or ONNX Runtime is not installed.
    """
    available = available_providers()
    if provider == "auto":
        return _PROVIDERS["cuda"] if _PROVIDERS["cuda"] in available else CPU
    name = _PROVIDERS.get(provider.lower(), provider)
    if name not in available and name not in _PROVIDERS.values():
        raise ModelError(f"provider {provider!r} is unknown: use auto, {', '.join(_PROVIDERS)}")
    return name


def session_options(threads: int | None) -> Any:  # noqa: ANN401 (the library has no types)
    """Options of every session; None leaves the threads to ONNX Runtime (one per core)."""
    options = _onnxruntime().SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    if threads is not None:
        options.intra_op_num_threads = threads
    # Idle threads that spin would take the cores from audio decoding, which runs at the same time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def with_options(name: str, **own: str) -> _Providers:
    """The provider and its fallbacks, those that this build has, each with its options.

    Args:
        name: ONNX Runtime's name of the provider.
        own: Options of this provider beside those that it always has.
    """
    if name in available_providers() and name in {_PROVIDERS["cuda"], _PROVIDERS["tensorrt"]}:
        _load_cuda()
    if name in available_providers() and name == _PROVIDERS["tensorrt"]:
        load_tensorrt()
    wanted = dict.fromkeys((name, _SECOND_CHOICE.get(name, CPU), CPU))
    always = {_PROVIDERS["cuda"]: _CUDA_OPTIONS}
    return [
        (entry, always.get(entry, {}) | (own if entry == name else {}))
        for entry in wanted
        if entry in available_providers()
    ]


@functools.cache
def _load_cuda() -> None:
    """Load CUDA and cuDNN from their Python packages, where the system does not look for them."""
    with contextlib.redirect_stdout(sys.stderr):  # it prints the names of missing libraries
        _onnxruntime().preload_dlls()


def make_session(model: Path | bytes, options: ModelOptions, *, captures: bool = False) -> Any:  # noqa: ANN401 (the library has no types)
    """Load an ONNX model.

    Args:
        model: Its file, or what would be in it.
        options: Provider and threads. A provider that cannot run falls back to the CPU with a
            warning; ``session.get_providers()[0]`` is the one in use.
        captures: Whether CUDA captures the graph in runs whose option ``gpu_graph_id`` is not -1.

    Raises:
        ProviderError: The provider was required and another one is in use.
        ModelError: ONNX Runtime is not installed or cannot load the file.
        MachineError: The machine or its accelerator has no memory left, for example.
    """
    name = resolve_provider(options.provider)
    title = "a graph built around a model's" if isinstance(model, bytes) else str(model)
    attempts = _attempts(name, model)
    if captures and name == _PROVIDERS["cuda"]:
        attempts.insert(0, with_options(name, enable_cuda_graph="1"))
    while True:
        try:
            session = _open(model, options, attempts.pop(0))
            break
        except Exception as error:  # its errors share no class
            raise_machine_error(error, f"cannot load {title}")
            if not attempts:
                raise ModelError(f"ONNX Runtime cannot load {title}: {error}") from error
            _LOG.warning("%s is loaded in another way: %s", title, _why(error))
    check_provider(name, session.get_providers()[0], require_provider=options.require_provider)
    return session


def _open(model: Path | bytes, options: ModelOptions, providers: _Providers) -> Any:  # noqa: ANN401 (the library has no types)
    settings = session_options(options.threads)
    # By itself ONNX Runtime would try again with providers that have lost their options.
    return _onnxruntime().InferenceSession(
        model if isinstance(model, bytes) else str(model),
        settings,
        providers=within_share(providers, options.gpu_memory_fraction),
        enable_fallback=0,
    )


def within_share(providers: _Providers, gpu_memory_fraction: float) -> _Providers:
    """The providers, CUDA with no more than a share of the card's memory for a session's tensors.

    That of all sessions of a model together is bounded by the size of its batches.
    """
    memory = cuda_memory() if any(name == _PROVIDERS["cuda"] for name, _ in providers) else None
    if memory is None:
        return providers
    limit = {"gpu_mem_limit": str(int(gpu_memory_fraction * memory.total_bytes))}
    return [
        (name, options | (limit if name == _PROVIDERS["cuda"] else {}))
        for name, options in providers
    ]


def _attempts(name: str, model: Path | bytes) -> list[_Providers]:
    """Providers to load a graph with, the best first.

    Without its libraries, TensorRT loads nothing at all: CUDA is tried without it.
    """
    if name != _PROVIDERS["tensorrt"] or name not in available_providers():
        return [with_options(name)]
    # Engines are kept for files: what is built around a model in memory is small.
    own = {} if isinstance(model, bytes) or not model.is_file() else engine_options(model)
    return [with_options(name, **own), with_options(_PROVIDERS["cuda"])]


def _why(error: Exception) -> str:
    """The part of an error that a person can use."""
    if _TENSORRT_MISSING in str(error):
        return "TensorRT's libraries are missing; pip install 'tensorrt-cu13>=10,<11' has them"
    return str(error).partition("\n")[0]


def check_provider(name: str, in_use: str, *, require_provider: bool) -> None:
    """Warn if the provider in use is not the one asked for.

    Raises:
        ProviderError: It is not, and it was required.
    """
    if require_provider and in_use != name:
        raise ProviderError(
            f"{name} was required but {in_use} is in use: {_CURES.get(name, _CURE)}, or choose "
            "another --provider, without --require_provider"
        )
    if in_use != name:
        _LOG.warning(
            "%s was asked for and %s is in use; --require_provider makes that an error",
            name,
            in_use,
        )
