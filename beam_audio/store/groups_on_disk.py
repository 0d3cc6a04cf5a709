"""Values by key that are too many for memory: written in any order, read back key by key."""

from __future__ import annotations

import pickle
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from beam_audio.store.scratch_database import scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class GroupsOnDisk(Generic[T]):
    """Values of any number by key, in a file of this process that ends with it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._database = scratch_database("CREATE TABLE held (key BLOB, value BLOB)")
        self._count = 0

    def __len__(self) -> int:
        """Number of values."""
        return self._count

    def add(self, pairs: Iterable[tuple[str, T]]) -> None:
        """Add values, each with its key."""
        rows = ((_encoded(key), pickle.dumps(value)) for key, value in pairs)
        self._count += self._database.executemany("INSERT INTO held VALUES (?, ?)", rows).rowcount

    def __iter__(self) -> Iterator[T]:
        """All values, in the order of keys; those of one key as they were added."""
        return (value for _, value in self.pairs())

    def pairs(self) -> Iterator[tuple[bytes, T]]:
        """All values in this order, each with its key as bytes."""
        rows = self._database.execute("SELECT key, value FROM held ORDER BY key, rowid")
        return ((key, pickle.loads(value)) for key, value in rows)  # noqa: S301 - written above

    def groups(self) -> Iterator[list[T]]:
        """The values of each key, in this order."""
        for _, found in groupby(self.pairs(), key=itemgetter(0)):
            yield [value for _, value in found]


def batches(groups: Iterable[list[T]], most: int) -> Iterator[list[list[T]]]:
    """Groups, so many at a time that they hold about ``most`` values; no group is split."""
    batch: list[list[T]] = []
    values = 0
    for group in groups:
        batch.append(group)
        values += len(group)
        if values >= most:
            yield batch
            batch, values = [], 0
    if batch:
        yield batch


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
