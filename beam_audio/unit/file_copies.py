"""Files that several inputs of a unit are cuts of: each is copied and hashed once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from beam_audio.unit.content import spool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.types import AudioRef
    from beam_audio.unit.spool_file import SpoolFile


class FileCopies:
    """The copies of a unit's files; several threads may open them. Leaving the context closes all.

    Args:
        refs: Inputs that may be opened, each once. A copy is closed with the last of its inputs.
    """

    def __init__(self, refs: Iterable[AudioRef]) -> None:
        self._left = Counter(ref.file_id for ref in refs)
        self._locks = {name: threading.Lock() for name, count in self._left.items() if count > 1}
        self._kept: dict[str, tuple[BinaryIO, str]] = {}

    def open(self, ref: AudioRef, max_bytes: int) -> tuple[BinaryIO, str]:
        """What :func:`beam_audio.unit.content.spool` returns, and raises."""
        name = ref.file_id
        if name not in self._locks:
            return spool(ref, max_bytes)
        with self._locks[name]:
            self._left[name] -= 1
            if name not in self._kept:
                self._kept[name] = spool(ref, max_bytes)
            file, content_sha256 = self._kept[name]
            view = cast("SpoolFile", file).view()
            if self._left[name] <= 0:
                self._kept.pop(name)
                file.close()
            return cast("BinaryIO", view), content_sha256

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file, _sha256 in self._kept.values():
            file.close()
