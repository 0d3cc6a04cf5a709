"""TensorRT's options for one graph: where its engines are kept, and in which numbers they compute.

TensorRT compiles a graph into engines, which takes minutes, and keeps them in files. A file's name
depends on the names inside the graph, not on its weights, so every version of a model has a folder.

An engine serves a range of shapes, which is kept beside it and grows with the batches that come.
The range is not given beforehand: a clip outside of it would fail, and where TensorRT does not take
the whole of a graph, it would want ranges of tensors inside.
"""

from __future__ import annotations

import contextlib
import ctypes
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import of_machine
from beam_audio.models.build import cache_directory
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGE: Final = "tensorrt_libs"
_LIBRARIES: Final = ("libnvinfer.so.*", "libnvinfer_plugin.so.*", "libnvonnxparser.so.*")


def load_tensorrt() -> None:
    """Load TensorRT from its Python package, where the system does not look for it."""
    spec = util.find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    for folder in map(Path, folders):
        for library in (each for pattern in _LIBRARIES for each in sorted(folder.glob(pattern))):
            with contextlib.suppress(OSError):  # the provider's own error names what is missing
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def engine_options(path: Path) -> dict[str, str]:
    """Options that keep the engines of a graph, and compute in its own number type.

    Raises:
        MachineError: The folder of the engines cannot be written.
    """
    folder = engine_folder(path)
    with of_machine(
        f"TensorRT's engines cannot be written to {folder}",
        "point BEAM_AUDIO_CACHE at a folder that can be written",
    ):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        # Otherwise a float32 graph would be computed in less than it says.
        "trt_fp16_enable": "1" if _has_half(_graph(path)) else "0",
    }


def engine_folder(path: Path) -> Path:
    """Folder of the engines of a graph: another one for every content of the model's folder."""
    files = sorted(each for each in path.parent.iterdir() if each.is_file())
    stats = [(each.name, each.stat()) for each in files]
    identity = stable_id(*[[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats])
    return cache_directory(path.parent.name, "tensorrt", identity)


def _graph(path: Path) -> Any:  # noqa: ANN401 (the library has no types)
    import onnx  # noqa: PLC0415 - needed on this provider only

    return onnx.load(path, load_external_data=False).graph


def _has_half(graph: Any) -> bool:  # noqa: ANN401 (the library has no types)
    from onnx import TensorProto  # noqa: PLC0415 - as above

    kinds: Iterable[int] = (each.data_type for each in graph.initializer)
    return TensorProto.FLOAT16 in {
        *kinds,
        *(each.type.tensor_type.elem_type for each in graph.input),
    }
