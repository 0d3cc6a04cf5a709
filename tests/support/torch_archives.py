"""Writes archives as ``torch.save`` does, without torch."""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_STORAGES: Final = {"f4": b"FloatStorage", "f2": b"HalfStorage", "i8": b"LongStorage"}

START: Final = b"\x80\x02"  # PROTO 2
STOP: Final = b"."


def text(value: str) -> bytes:
    """A str as a pickle has it."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def tuple_of(*values: bytes) -> bytes:
    return b"(" + b"".join(values) + b"t"


def dict_of(values: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(name) + value for name, value in values.items()) + b"u"


def tensor(key: str, array: NDArray[np.generic], offset: int = 0) -> bytes:
    """A tensor of a storage that holds the numbers of an array."""
    storage = _STORAGES[array.dtype.str[1:]]
    place = tuple_of(
        *(text("storage"), b"ctorch\n" + storage + b"\n"),
        *(text(key), text("cpu"), integer(array.size)),
    )
    shape = tuple_of(*map(integer, array.shape))
    strides = tuple_of(*(integer(step // array.itemsize) for step in array.strides))
    hooks = b"ccollections\nOrderedDict\n)R"
    values = tuple_of(place + b"Q", integer(offset), shape, strides, b"\x89", hooks)
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + values + b"R"


def write_pickle(path: Path, pickle: bytes, storages: Mapping[str, bytes] | None = None) -> Path:
    """An archive of these instructions and the numbers they name."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", START + pickle + STOP)
        for key, content in (storages or {}).items():
            archive.writestr(f"net/data/{key}", content)
    return path


def write_checkpoint(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> Path:
    """An archive of the weights of a network by their names."""
    dense = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    pickle = dict_of({name: tensor(name, array) for name, array in dense.items()})
    return write_pickle(path, pickle, {name: array.tobytes() for name, array in dense.items()})
