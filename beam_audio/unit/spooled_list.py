"""A list of what is known of segments, which a long recording does not keep in memory."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final, Generic, TypeVar, overload

from beam_audio.unit.scratch import StoredBytes, append_bytes, read_bytes

T = TypeVar("T")

IN_MEMORY: Final = 250
"""So many values stay in memory: a few megabytes, some twenty minutes of speech."""


class SpooledList(Sequence[T], Generic[T]):
    """Values in their order: the first ones in memory, the rest in a temporary file.

    A value from the file is a new one each time. One thread uses the file at a time.

    Args:
        scratch_file: The temporary file; it is appended to.
        values: The first values.
    """

    def __init__(self, scratch_file: IO[bytes], values: Iterable[T] = ()) -> None:
        self._file = scratch_file
        self._held: list[T | StoredBytes] = []
        for value in values:
            self.append(value)

    def append(self, value: T) -> None:
        """Add a value at the end.

        Raises:
            MachineError: It cannot be written.
        """
        if len(self._held) < IN_MEMORY:
            self._held.append(value)
        else:
            self._held.append(append_bytes(self._file, pickle.dumps(value, protocol=-1)))

    def arranged(self, places: Iterable[int]) -> SpooledList[T]:
        """The values at these places, in their order; nothing is read."""
        found = SpooledList[T](self._file)
        found._held = [self._held[place] for place in places]
        return found

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._held)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T]: ...
    def __getitem__(self, place: int | slice) -> T | Sequence[T]:
        """A value, or those of a stretch.

        Raises:
            MachineError: It cannot be read.
        """
        if isinstance(place, slice):
            return self.arranged(range(len(self))[place])
        return self._read(self._held[place])

    def __iter__(self) -> Iterator[T]:
        """All values; each is read when its turn comes.

        Raises:
            MachineError: One cannot be read.
        """
        return map(self._read, self._held)

    def _read(self, held: T | StoredBytes) -> T:
        if not isinstance(held, StoredBytes):
            return held
        value: T = pickle.loads(read_bytes(self._file, held))  # noqa: S301 - we wrote it, into a file without a name
        return value
