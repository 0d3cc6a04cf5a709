"""Reader of what ``torch.save`` writes: plain values and tensors, without torch.

Layout: a zip archive without compression. ``NAME/data.pkl`` is a pickle in which each tensor names
its storage; ``NAME/data/KEY`` holds the numbers of a storage, little-endian.

A pickle is a program that may call anything. Python's ``pickle`` does not run this one: of its
instructions, those that make plain values are followed here, and any other is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
import zipfile
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.weights import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_T = TypeVar("_T")

_MOST_PICKLE_BYTES: Final = 16 << 20  # names and shapes; those of 1,000 tensors take 0.1 MB
_MOST_AXES: Final = 32
_STORAGES: Final = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch IntStorage": "<i4",
    "torch LongStorage": "<i8",
}
_TENSOR: Final = "torch._utils _rebuild_tensor_v2"
_ORDERED_DICT: Final = "collections OrderedDict"
_EMPTY: Final[dict[str, Callable[[], Any]]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_PLAIN: Final = {"BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE"}
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_torch(path: Path) -> Any:  # noqa: ANN401 - what the file holds
    """The value in a file; each tensor in it is a :class:`Tensor`, whose numbers are widened later.

    The bytes of the file stay in memory while a tensor is in use.

    Raises:
        ModelError: The file is damaged, or holds something else than plain values and tensors.
    """
    try:
        return _Builder(path, zipfile.ZipFile(io.BytesIO(path.read_bytes()))).built()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ModelError(f"{path} is no archive of torch: {error}") from error
    except (
        *(ArithmeticError, EOFError, LookupError, OSError),
        *(RuntimeError, TypeError, ValueError, struct.error),
    ) as error:
        raise ModelError(f"{path} is damaged: {error!r:.200}") from error


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights of a network.

    Attributes:
        path: The file that holds them, for messages.
        tensors: By name.
    """

    path: Path
    tensors: dict[str, Tensor]

    def read(self, name: str) -> NDArray[np.float32]:
        """The numbers of a weight.

        Raises:
            ModelError: There is none of this name, so that they are another network's.
        """
        if name not in self.tensors:
            raise ModelError(f"{self.path} has no weight {name}: it is of another network")
        return self.tensors[name].read()


def read_checkpoint(path: Path) -> Checkpoint:
    """The weights of a network, which are all that a file holds, or its ``state_dict``.

    Raises:
        ModelError: The file is damaged, or holds something else.
    """
    found = read_torch(path)
    if isinstance(found, dict):
        found = found.get("state_dict", found)
    if not isinstance(found, dict) or not all(isinstance(each, Tensor) for each in found.values()):
        raise ModelError(f"{path} holds no weights of a network by their names")
    return Checkpoint(path, found)


@dataclass(frozen=True, slots=True)
class _Name:
    """A function or class that the pickle names; nothing is imported."""

    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers of a member of the archive, which tensors share."""

    member: str
    kind: np.dtype[Any]


class _Builder:
    """Follows the instructions of one pickle."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        self._members = {info.filename: info for info in archive.infolist()}
        (pickle,) = [name for name in self._members if name.endswith("/data.pkl")]
        self._folder = pickle.removesuffix(".pkl")
        if self._size_bytes(pickle) > _MOST_PICKLE_BYTES:
            raise ModelError(f"{path}: its pickle has more than {_MOST_PICKLE_BYTES:,} bytes")
        self._pickle = archive.read(pickle)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[Any, Any] = {}

    def built(self) -> Any:  # noqa: ANN401 - what the file holds
        """The value that the pickle makes."""
        for instruction, given, _ in pickletools.genops(self._pickle):
            self._follow(instruction.name, given)
        (value,) = self._stack
        return value

    def _follow(self, name: str, given: Any) -> None:  # noqa: ANN401 - what an instruction carries
        stack = self._stack
        if name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _PLAIN:
            stack.append(given)
        elif name == "MARK":
            self._marks.append(len(stack))
        elif name in {"BINPUT", "LONG_BINPUT"}:
            self._memo[given] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            stack.append(self._memo[given])
        elif name == "GLOBAL":
            stack.append(self._named(given))
        elif name not in {"PROTO", "STOP"}:
            self._combine(name)

    def _combine(self, name: str) -> None:
        """Follow an instruction that takes values off the stack."""
        stack = self._stack
        if name == "TUPLE":
            stack.append(tuple(self._since_mark()))
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name == "APPENDS":
            values = self._since_mark()
            _of(list, stack[-1]).extend(values)
        elif name in {"SETITEM", "SETITEMS"}:
            pairs = self._since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            names = [_of(str, key) for key in pairs[::2]]
            _of(dict, stack[-1]).update(zip(names, pairs[1::2], strict=True))
        elif name == "BINPERSID":
            stack.append(self._storage(*_of(tuple, stack.pop())))
        elif name == "REDUCE":
            values, function = stack.pop(), stack.pop()
            stack.append(self._called(_of(_Name, function).name, _of(tuple, values)))
        elif name == "BUILD":
            stack.pop()  # attributes of an ordered dict, for torch alone
        else:
            raise ModelError(f"{self._path}: its pickle has {name}, which plain values do not need")

    def _since_mark(self) -> list[Any]:
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _named(self, name: str) -> _Name:
        if name not in {*_STORAGES, _TENSOR, _ORDERED_DICT}:
            raise ModelError(
                f"{self._path}: its pickle names {name.replace(' ', '.'):.200}, and only tensors "
                "and plain values are read"
            )
        return _Name(name)

    def _called(self, name: str, values: tuple[Any, ...]) -> dict[str, Any] | Tensor:
        if name == _ORDERED_DICT and not values:
            return {}
        if name == _TENSOR:
            return self._tensor(*values[:4])
        raise ModelError(
            f"{self._path}: its pickle calls {name.replace(' ', '.')} as torch does not"
        )

    def _storage(self, _: object, kind: object, key: object, *__: object) -> _Storage:
        member = f"{self._folder}/{_of(str, key)}"
        return _Storage(member, np.dtype(_STORAGES[_of(_Name, kind).name]))

    def _tensor(self, storage: object, offset: object, shape: object, strides: object) -> Tensor:
        stored, start = _of(_Storage, storage), _of(int, offset)
        sizes = [_of(int, size) for size in _of(tuple, shape)[:_MOST_AXES]]
        steps = zip(sizes, _of(tuple, strides), strict=True)
        # Along an axis of size 1 nobody steps.
        is_dense = all(
            size == 1 or step == math.prod(sizes[axis:])
            for axis, (size, step) in enumerate(steps, 1)
        )
        if min([start, *sizes]) < 0 or not is_dense:
            raise ModelError(f"{self._path}: a tensor in {stored.member} is not in dense rows")
        end_bytes = (start + math.prod(sizes)) * stored.kind.itemsize
        if end_bytes > self._size_bytes(stored.member):
            raise ModelError(f"{self._path}: a tensor does not lie inside {stored.member}")
        return Tensor(tuple(sizes), partial(self._read, stored, start, tuple(sizes)))

    def _read(self, storage: _Storage, start: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        try:
            content = self._archive.read(storage.member)
        except (zipfile.BadZipFile, EOFError) as error:
            raise ModelError(f"{self._path} is damaged: {error!r:.200}") from error
        offset_bytes = start * storage.kind.itemsize
        numbers = np.frombuffer(content, storage.kind, math.prod(shape), offset_bytes)
        return numbers.reshape(shape).astype(np.float32)

    def _size_bytes(self, member: str) -> int:
        """Size of a member, which takes as much of the file: small ones cannot grow."""
        info = self._members[member]
        if info.compress_type != zipfile.ZIP_STORED:
            raise ModelError(f"{self._path}: {member} is compressed, which torch does not do")
        return info.file_size


def _of(kind: type[_T], value: object) -> _T:
    """The value, if it is of a kind.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} stands where {kind.__name__} is needed")
    return value
