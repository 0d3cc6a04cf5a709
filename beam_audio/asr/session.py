"""ONNX Runtime sessions: every session of a model is made here."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from typing import TYPE_CHECKING, Any

from beam_audio.errors import ModelError, ProviderError, raise_machine_error

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr.model_options import ModelOptions

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
# By default the arena doubles when it is full, and leaves other processes no memory of the card.
_CUDA_OPTIONS = {"arena_extend_strategy": "kSameAsRequested"}
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


def with_options(name: str) -> list[tuple[str, dict[str, str]]]:
    """The provider and its fallbacks, those that this build has, each with its options."""
    if name in available_providers() and name in {_PROVIDERS["cuda"], _PROVIDERS["tensorrt"]}:
        _load_cuda()
    wanted = dict.fromkeys((name, _SECOND_CHOICE.get(name, CPU), CPU))
    return [
        (entry, _CUDA_OPTIONS if entry == _PROVIDERS["cuda"] else {})
        for entry in wanted
        if entry in available_providers()
    ]


@functools.cache
def _load_cuda() -> None:
    """Load CUDA and cuDNN from their Python packages, where the system does not look for them."""
    with contextlib.redirect_stdout(sys.stderr):  # it prints the names of missing libraries
        _onnxruntime().preload_dlls()


def make_session(model: Path | bytes, options: ModelOptions) -> Any:  # noqa: ANN401 (the library has no types)
    """Load an ONNX model.

    Args:
        model: Its file, or what would be in it.
        options: Provider and threads. A provider that cannot run falls back to the CPU with a
            warning; ``session.get_providers()[0]`` is the one in use.

    Raises:
        ProviderError: The provider was required and another one is in use.
        ModelError: ONNX Runtime is not installed or cannot load the file.
        MachineError: The machine or its accelerator has no memory left, for example.
    """
    runtime, name = _onnxruntime(), resolve_provider(options.provider)
    settings = session_options(options.threads)
    source = model if isinstance(model, bytes) else str(model)
    title = "a graph built around a model's" if isinstance(model, bytes) else model
    try:
        session = runtime.InferenceSession(source, settings, providers=with_options(name))
    except Exception as error:  # its errors share no class
        raise_machine_error(error, f"cannot load {title}")
        raise ModelError(f"ONNX Runtime cannot load {title}: {error}") from error
    check_provider(name, session.get_providers()[0], require_provider=options.require_provider)
    return session


def check_provider(name: str, in_use: str, *, require_provider: bool) -> None:
    """Warn if the provider in use is not the one asked for.

    Raises:
        ProviderError: It is not, and it was required.
    """
    if require_provider and in_use != name:
        raise ProviderError(
            f"{name} was required but {in_use} is in use: install the build that has it "
            "(for CUDA: pip uninstall onnxruntime, then pip install 'beam_audio[gpu]') and check "
            "the driver, or drop --require_provider"
        )
    if in_use != name:
        _LOG.warning(
            "%s was asked for and %s is in use; --require_provider makes that an error",
            name,
            in_use,
        )
