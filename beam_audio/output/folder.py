"""An output folder: checked, marked as written to, swept of what an earlier run left over."""

from __future__ import annotations

import fcntl
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from beam_audio.types import StoredFile

_RUN_LOCK: Final = "_units/.run"
_IN_USE_SECONDS: Final = 3600.0
"""How long a file in a bucket may be some other writer's that has not committed it yet."""


def delete_uncommitted(root: str, committed: Container[str]) -> int:
    """Delete part files other than those committed, and temporary files.

    In a bucket, where no lock tells whether another run writes, young files are left for a later
    cleaning up: they may be about to be committed.

    Args:
        root: The output folder.
        committed: Names of part files, relative to it.

    Returns:
        How many files were deleted.
    """
    start = len(root.rstrip("/")) + 1
    parts = [file for table in store.TABLES for file in store.files_under(store.join(root, table))]
    left_over = [each for each in parts if each.path[start:] not in committed and _is_part(each)]
    left_over += store.files_under(store.join(root, store.TEMPORARY))
    if store.scheme(root) is not None:
        oldest = time.time() - _IN_USE_SECONDS
        left_over = [each for each in left_over if each.last_updated_in_seconds < oldest]
    store.delete(*[each.path for each in left_over])
    if store.scheme(root) is None:
        shutil.rmtree(store.join(root, store.TEMPORARY), ignore_errors=True)
    return len(left_over)


def require_writable(root: str) -> None:
    """Write and delete a probe file.

    Raises:
        StoreError: The output cannot be written.
    """
    probe = store.temporary_name(root)
    with store.reported(StoreError, f"--output={root} is not writable"):
        with store.open_to_write(probe) as file:
            file.write(b"probe")
        store.delete(probe)


@contextmanager
def in_use(root: str, clean: Callable[[], object]) -> Iterator[None]:
    """Mark an output as written to by a run; it is cleaned first, unless another run writes to it.

    The mark is a lock that goes with the process, so it tells of runs that were started here. In a
    bucket there is none, and :func:`delete_uncommitted` goes by the age of files.
    """
    if store.scheme(root) is not None:
        clean()
        yield
        return
    lock = Path(store.join(root, _RUN_LOCK))
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            clean()
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _is_part(file: StoredFile) -> bool:
    name = file.path.rpartition("/")[2]
    return name.startswith("part-") and name.endswith(".parquet")
