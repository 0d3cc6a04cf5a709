"""The files of one shard: they grow under temporary names, and are renamed as wholes."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from beam_audio import store
from beam_audio.errors import BeamAudioError
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from types import TracebackType
    from typing import BinaryIO

    from beam_audio.export.item import ExportItem

SHARD: Final = "{shard}"
"""Stands in names of files for the id of their shard."""
SHARD_NUMBER: Final = "{number}"
"""Stands there for the same as a decimal number."""

_ID_DIGITS: Final = 16
_NUMBER_DIGITS: Final = 12
"""Such a number is exact in any program."""


class ShardFiles:
    """Files of one shard below a folder of an export.

    Leaving the context without :meth:`finish` deletes what grew.

    Args:
        target: The folder of the export.
        folder: That of the shard, relative to it.

    Attributes:
        lines: Lines by the name of the file that has those of all shards of the folder.
    """

    def __init__(self, target: str, folder: str) -> None:
        self.lines: defaultdict[str, list[str]] = defaultdict(list)
        self._target, self._folder = target, folder
        self._growing: dict[str, tuple[str, BinaryIO]] = {}
        self._whole: list[str] = []
        self._contents: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for temporary, file in self._growing.values():
            with suppress(OSError, BeamAudioError):
                file.close()
            with suppress(BeamAudioError):
                store.delete(temporary)

    def count(self, item: ExportItem) -> None:
        """Have the shard's id depend on an item."""
        self._contents.append(item.content_id)

    @property
    def shard_id(self) -> str:
        """Hash of the items that were counted, in any order; 16 hex digits."""
        return stable_id("shard", sorted(self._contents))[:_ID_DIGITS]

    @property
    def shard_number(self) -> int:
        """The id as a decimal number."""
        return int(self.shard_id[:_NUMBER_DIGITS], 16)

    def create(self, name: str) -> BinaryIO:
        """A new file, which the format closes; :data:`SHARD` or the number may be in its name.

        Raises:
            StoreError: It cannot be created.
        """
        temporary = store.temporary_name(self._target)
        file = store.open_to_write(temporary)
        self._growing[name] = (temporary, file)
        return file

    def path(self, name: str) -> str:
        """The whole path of a file of the folder."""
        return store.join(self._target, self._folder, name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file of one item.

        Raises:
            StoreError: It cannot be written.
        """
        path = f"{self._folder}/{name}"
        store.write_whole(self._target, path, content)
        self._whole.append(path)

    def finish(self) -> list[str]:
        """Give the files their names; returns these, relative to the export.

        Raises:
            StoreError: One cannot be renamed.
        """
        names = {}
        for name, (temporary, file) in self._growing.items():
            file.close()
            own = name.replace(SHARD, self.shard_id).replace(SHARD_NUMBER, str(self.shard_number))
            names[temporary] = f"{self._folder}/{own}"
        if names:
            store.move_into(self._target, names)
        self._growing.clear()
        return sorted([*self._whole, *names.values()])
