"""Reader of safetensors files, single or sharded, without the library.

Layout: length of the header u64 little-endian; the header, JSON: name -> dtype, shape and byte
offsets counted from the header's end; then the bytes. A sharded model also has an index,
``model.safetensors.index.json``, whose ``weight_map`` maps each name to its file.
"""

from __future__ import annotations

import json
import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.weights import Tensor

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def safetensors_files(directory: Path) -> tuple[Path, ...]:
    """Files that hold the weights of a model directory; empty if there are none.

    Raises:
        ModelError: The index names a missing file, or one outside the directory.
    """
    index = directory / _INDEX
    if not index.is_file():
        single = directory / _SINGLE
        return (single,) if single.is_file() else ()
    files = _json(index.read_bytes(), index).get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise ModelError(f"{index} has no weight_map of file names")
    names = sorted(set(files.values()))
    for name in names:
        if "/" in name or "\\" in name or not (directory / name).is_file():
            raise ModelError(f"{index} names {name!r}, which is not in {directory}")
    return tuple(directory / name for name in names)


def read_safetensors(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Index the weights of all files; each weight stays on disk until it is read.

    Raises:
        ModelError: A file is cut short or malformed, or holds numbers other than floats.
    """
    tensors: dict[str, Tensor] = {}
    for path in files:
        tensors |= _read_file(path)
    return tensors


def _json(text: bytes, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not hold a JSON object")
    return content


def _read_file(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as stream:
        prefix = stream.read(8)
        header_bytes = int.from_bytes(prefix, "little")
        start = 8 + header_bytes
        if len(prefix) < 8 or start > path.stat().st_size:  # noqa: PLR2004 (the u64 of the layout)
            raise ModelError(f"{path} is cut short or is not a safetensors file")
        header = _json(stream.read(header_bytes), path)
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    header.pop("__metadata__", None)
    return {name: _tensor(name, entry, data, start, path) for name, entry in header.items()}


def _tensor(name: str, entry: dict[str, Any], data: mmap.mmap, start: int, path: Path) -> Tensor:
    """The tensor of one entry of a header whose data begins at ``start``.

    Raises:
        ModelError: The entry is malformed, or its bytes are not in the file.
    """
    try:
        kind, shape = entry["dtype"], tuple(int(size) for size in entry["shape"])
        first, last = (start + int(offset) for offset in entry["data_offsets"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{path}: the entry of {name} is malformed") from error
    if kind not in _TYPES:
        raise ModelError(f"{path}: {name} is {kind}; only {', '.join(_TYPES)} can be read")
    stored = np.dtype(_TYPES[kind])
    count = int(np.prod(shape, dtype=np.int64))
    if not start <= first <= last <= len(data) or last - first != count * stored.itemsize:
        raise ModelError(f"{path}: {name} does not lie inside the file, which may be cut short")

    def read() -> NDArray[np.float32]:
        array = np.frombuffer(data, stored, count, first).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array.astype(np.float32)

    return Tensor(shape, read)
