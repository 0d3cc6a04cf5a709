"""WriteTotal: adds up the results of a graph and writes them to a file that the command reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import apache_beam as beam

from beam_audio import store
from beam_audio.errors import BeamAudioError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Summable(Protocol):
    """What adds up in any order, and is written as JSON."""

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together."""

    def to_json(self) -> bytes:
        """As JSON."""

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """What :meth:`to_json` wrote."""


T = TypeVar("T", bound=Summable)


class WriteTotal(beam.PTransform):
    """Writes the total of a bounded collection of one kind, for :func:`read_total`.

    Args:
        kind: The kind; the total of no elements is ``kind.total([])``.
        uri: The file.
    """

    def __init__(self, kind: type[Summable], uri: str) -> None:
        super().__init__()
        self._kind = kind
        self._uri = uri

    def expand(self, parts: beam.PCollection[Summable]) -> beam.PCollection[None]:
        """Wire the sum and the one file."""
        return (
            parts
            | "Total" >> beam.CombineGlobally(self._kind.total)
            | "Write" >> beam.Map(_write, self._uri)
        )


def read_total(kind: type[T], uri: str) -> T:
    """The total that was written; the file is deleted.

    Raises:
        BeamAudioError: There is none: the job did not get to write it.
    """
    if not store.exists(uri):
        raise BeamAudioError("the job ended without its result; run it again")
    with store.open_to_read(uri) as file:
        total = kind.of_json(file.read())
    store.delete(uri)
    return total


def _write(total: Summable, uri: str) -> None:
    with store.reported(StoreError, f"cannot write {uri!r}"), store.open_to_write(uri) as file:
        file.write(total.to_json())
