"""Reader of CTranslate2's ``model.bin`` (binary versions 5 and 6), without the library.

Layout, little-endian: version u32; specification name; revision u32; number of variables u32;
for each variable its name, rank u8, dimensions u32 each, type u8, length in bytes u32, bytes;
number of aliases u32; for each alias its name and the name of its variable. A string is its length
in u16, which counts a closing zero byte, then its bytes.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.weights import Tensor

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_VERSIONS = (5, 6)
_BFLOAT16 = "bfloat16"
_TYPES = ("<f4", "<i1", "<i2", "<i4", "<f2", _BFLOAT16)


@dataclass(frozen=True, slots=True)
class CTranslate2File:
    """Content of a ``model.bin``.

    Attributes:
        specification: Name of the kind of model, such as ``WhisperSpec``.
        tensors: Weights by name, aliases included; int8 weights are dequantised when read.
        integers: Integer settings by name, such as ``encoder/num_heads``.
    """

    specification: str
    tensors: dict[str, Tensor]
    integers: dict[str, NDArray[np.int64]]


class _Cursor:
    """Reads one field after the other, and never past the end."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self._data = data
        self._path = path
        self._at = 0

    def skip(self, length: int) -> int:
        start = self._at
        if start + length > len(self._data):
            raise ModelError(f"{self._path} ends in the middle of a field: it is cut short")
        self._at += length
        return start

    def number(self, kind: str) -> int:
        start = self.skip(struct.calcsize(kind))
        value: int = struct.unpack_from(kind, self._data, start)[0]
        return value

    def text(self) -> str:
        length = self.number("<H")
        start = self.skip(length)
        return self._data[start : start + length].rstrip(b"\0").decode("utf-8", "replace")


def read_ctranslate2(path: Path) -> CTranslate2File:
    """Index a ``model.bin``; each weight stays on disk until it is read.

    Raises:
        ModelError: The file has another version, is cut short, or holds an unknown number type.
    """
    with path.open("rb") as stream:
        try:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise ModelError(f"{path} is empty") from None
    cursor = _Cursor(data, path)
    version = cursor.number("<I")
    if version not in _VERSIONS:
        raise ModelError(
            f"{path} is not a CTranslate2 file of version {_VERSIONS[0]} or {_VERSIONS[1]} "
            f"(it says {version}); convert the model again with a current ctranslate2"
        )
    specification = cursor.text()
    cursor.number(
        "<I"
    )  # revision of the specification; a revision only adds names, which show by themselves
    arrays = dict(_variable(cursor, data, path) for _ in range(cursor.number("<I")))
    for _ in range(cursor.number("<I")):
        alias, target = cursor.text(), cursor.text()
        if target not in arrays:
            raise ModelError(f"{path} names {target!r}, which it does not hold")
        arrays[alias] = arrays[target]
    return CTranslate2File(specification, *_by_kind(arrays))


def _variable(cursor: _Cursor, data: mmap.mmap, path: Path) -> tuple[str, NDArray[np.generic]]:
    name = cursor.text()
    shape = tuple(cursor.number("<I") for _ in range(cursor.number("<B")))
    kind = cursor.number("<B")
    length = cursor.number("<I")
    if kind >= len(_TYPES):
        raise ModelError(f"{path}: {name} has the unknown number type {kind}")
    stored = np.dtype("<u2" if _TYPES[kind] == _BFLOAT16 else _TYPES[kind])
    count = int(np.prod(shape, dtype=np.int64))
    if count * stored.itemsize != length:
        raise ModelError(f"{path}: {name} has {length} bytes, which do not fit its shape {shape}")
    start = cursor.skip(length)
    return name, np.frombuffer(data, stored, count, start).reshape(shape)


def _by_kind(
    arrays: dict[str, NDArray[np.generic]],
) -> tuple[dict[str, Tensor], dict[str, NDArray[np.int64]]]:
    tensors, integers = {}, {}
    for name, array in arrays.items():
        scale = arrays.get(f"{name}_scale")
        if scale is not None or array.dtype.kind in "fu":
            tensors[name] = Tensor(array.shape, partial(_widen, array, scale))
        else:
            integers[name] = array.astype(np.int64)
    return tensors, integers


def _widen(array: NDArray[np.generic], scale: NDArray[np.generic] | None) -> NDArray[np.float32]:
    if array.dtype == np.uint16:  # bfloat16 is the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    widened = array.astype(np.float32)
    if scale is None:
        return widened
    # Quantised rows hold round(weight * scale).
    return widened / scale.astype(np.float32).reshape(-1, *([1] * (array.ndim - 1)))
