"""Where the index of an output is, who may write it, and how it is deleted.

It is inside a local output that can be written, and else in the cache folder of this machine.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.models.cache_folder import cache_folder
from beam_audio.store.output_names import INDEX, LOCK, SEARCH
from beam_audio.store.reported import reported
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_ANYONE: Final = 0o777
_OWNER_ONLY: Final = 0o700
"""Who may look into a folder, as far as the process lets anybody."""


@contextmanager
def locked_index(root: str, waits: Callable[[], object]) -> Iterator[Path]:
    """The database file of an output's index, for one writer at a time.

    Args:
        root: The output folder.
        waits: Called if another process writes it at this moment.

    Raises:
        StoreError: Neither the output nor the cache folder can be written.
    """
    with _lock_of(root) as (folder, lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / INDEX


def delete_index(root: str) -> None:
    """Delete the indexes of an output that this machine knows; who writes one is waited for.

    Raises:
        StoreError: One cannot be deleted.
    """
    for folder in filter(Path.is_dir, _folders(root)):
        with (
            reported(StoreError, f"cannot delete the index in {str(folder)!r}"),
            (folder / LOCK).open("ab") as lock,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX)
            delete_files(folder / INDEX)


def delete_files(index: Path) -> None:
    """Delete a database with its journals; the lock beside it stays."""
    for file in index.parent.glob(f"{index.name}*"):
        file.unlink()


def _folders(root: str) -> list[Path]:
    """Where an index may be, the best place first."""
    here = store.join(root.rstrip("/"), SEARCH)
    name = root.rstrip("/") if store.scheme(root) else str(Path(root).resolve())
    cached = cache_folder() / "search" / stable_id("index", name)
    return [cached] if store.scheme(root) else [Path(here), cached]


@contextmanager
def _lock_of(root: str) -> Iterator[tuple[Path, BinaryIO]]:
    """The first folder that can be written, and the file in it that is locked."""
    *others, last = _folders(root)
    for folder in others:
        try:
            lock = _opened_lock(folder, _ANYONE)
        except OSError:
            continue
        with lock:
            yield folder, lock
        return
    with reported(
        StoreError,
        f"cannot write the index of {root!r} into {str(last)!r}",
        "; point BEAM_AUDIO_CACHE at a folder that can be written",
    ):
        lock = _opened_lock(last, _OWNER_ONLY)
    with lock:
        yield last, lock


def _opened_lock(folder: Path, mode: int) -> BinaryIO:
    folder.mkdir(mode, parents=True, exist_ok=True)
    return (folder / LOCK).open("ab")
