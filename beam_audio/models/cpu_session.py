"""Sessions of ONNX Runtime on one CPU thread: small networks that run where audio is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beam_audio.errors import ModelError, raise_machine_error

if TYPE_CHECKING:
    from pathlib import Path


def one_thread_session(file: Path, network: bytes | None = None) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """Load a network.

    Args:
        file: Where it is.
        network: What is loaded in place of the bytes of the file.

    Raises:
        ModelError: onnxruntime is not installed, or the file holds no network it can run.
        MachineError: The machine has no memory left, for example.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - optional: comes with an extra
    except ImportError as error:
        raise_machine_error(error, "cannot load onnxruntime")
        raise ModelError("the network needs onnxruntime: pip install 'beam_audio[cpu]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # no warnings of nodes that are folded away
    try:
        return onnxruntime.InferenceSession(
            network or str(file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors share no class
        raise_machine_error(error, f"cannot load {file}")
        raise ModelError(f"ONNX Runtime cannot load {file}: {error}") from error
