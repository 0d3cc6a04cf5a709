"""A list of what is known of segments, which a long recording does not keep in memory."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final, Generic, TypeVar, overload

from beam_audio.unit.scratch import append_bytes, scratch

T = TypeVar("T")

IN_MEMORY: Final = 64
"""So many values stay in memory: a megabyte, some five minutes of speech."""


class SpooledList(Sequence[T], Generic[T]):
    """Values in their order: the first ones in memory, the rest in a temporary file.

    A value from the file is a new one each time. One thread uses the file at a time.

    Args:
        scratch_file: The temporary file; it is appended to.
        values: The first values.
    """

    def __init__(self, scratch_file: IO[bytes], values: Iterable[T] = ()) -> None:
        self._file = scratch_file
        self._first: list[T] = []
        # A place in the file, or below 0, in the list above. A day has tens of thousands.
        self._places = array("q")
        for value in values:
            self.append(value)

    def append(self, value: T) -> None:
        """Add a value at the end.

        Raises:
            MachineError: It cannot be written.
        """
        if len(self._first) < IN_MEMORY:
            self._first.append(value)
            place = -len(self._first)
        else:
            place = append_bytes(self._file, pickle.dumps(value, protocol=-1)).position
        self._places.append(place)

    def arranged(self, numbers: Iterable[int]) -> Sequence[T]:
        """The values of these numbers, in their order; nothing is read, and nothing is added."""
        found = SpooledList[T](self._file)
        found._first = self._first
        found._places = array("q", (self._places[number] for number in numbers))
        return found

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> T: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[T]: ...
    def __getitem__(self, number: int | slice) -> T | Sequence[T]:
        """A value, or those of a stretch.

        Raises:
            MachineError: It cannot be read.
        """
        if isinstance(number, slice):
            return self.arranged(range(len(self))[number])
        return self._read(self._places[number])

    def __iter__(self) -> Iterator[T]:
        """All values; each is read when its turn comes.

        Raises:
            MachineError: One cannot be read.
        """
        return map(self._read, self._places)

    def _read(self, place: int) -> T:
        if place < 0:
            return self._first[-1 - place]
        with scratch():
            self._file.seek(place)
            value: T = pickle.load(self._file)  # noqa: S301 - we wrote it, into a file without a name
        return value
