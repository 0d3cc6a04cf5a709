"""An output folder as a whole: checked, cleaned, and marked as written to."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.output.registrations import is_registered
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.output_names import PARTS, RUN_LOCK, TABLES, TEMPORARY
from beam_audio.store.store_clock import present_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from beam_audio.types import StoredFile

_UNSTATED: Final = "1.3"
"""The last version that commit records and run files did not state."""
_IN_USE_SECONDS: Final = 3600.0
"""A younger file in a bucket may belong to another writer that has not committed it yet."""


def delete_uncommitted(
    root: str, committed: Container[str], is_committed_now: Callable[[str], bool]
) -> int:
    """Delete temporary files, and part files other than those committed.

    Part files of a registered output stay: tables elsewhere may name them.

    In a bucket no lock shows whether another run is writing. There, files younger than an hour are
    left for a later clean-up, as they may be about to be committed.

    Args:
        root: The output folder.
        committed: Names of part files, relative to it.
        is_committed_now: Asked in a bucket for the name of a left-over part file: its writer may
            have been paused for long, and must not commit it once it is deleted.

    Returns:
        How many files were deleted.
    """
    start = len(root.rstrip("/")) + 1
    parts = () if is_registered(root) else part_files(root)
    left_over = [each for each in parts if each.path[start:] not in committed]
    temporary = store.files_under(store.join(root, TEMPORARY))
    if store.scheme(root) is not None:
        oldest = present_seconds(root) - _IN_USE_SECONDS
        temporary = [each for each in temporary if each.last_updated_in_seconds < oldest]
        left_over = [
            each
            for each in left_over
            if each.last_updated_in_seconds < oldest and not is_committed_now(each.path[start:])
        ]
    left_over += temporary
    store.delete(*[each.path for each in left_over])
    if store.scheme(root) is None:
        shutil.rmtree(store.join(root, TEMPORARY), ignore_errors=True)
    return len(left_over)


def part_files(root: str) -> Iterator[StoredFile]:
    """The part files in an output, committed or not."""
    for table in TABLES:
        for file in store.files_under(store.join(root, table)):
            if fnmatchcase(file.path.rpartition("/")[2], PARTS):
                yield file


def require_writable(root: str) -> None:
    """Write and delete a probe file.

    Raises:
        StoreError: The output cannot be written.
    """
    present_seconds(root)


def require_readable(version: str | None, output: str) -> None:
    """Check that this package reads the tables of an output.

    Args:
        version: The schema version that the output states; None where it states none.
        output: The output folder, for the message.

    Raises:
        ConfigError: The tables have another major version, or a later minor version.
    """
    stated = version or _UNSTATED
    (major, minor), (our_major, our_minor) = map(_numbers, (stated, SCHEMA_VERSION))
    if major != our_major or minor > our_minor:
        raise ConfigError(
            f"{output} holds tables of schema {stated}, and this version of beam_audio reads and "
            f"writes schema {SCHEMA_VERSION}; name another output folder, or use the version of "
            "beam_audio that wrote this one (see its run-*.json)"
        )


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


@contextmanager
def in_use(root: str, clean: Callable[[], object]) -> Iterator[None]:
    """Mark an output as written to by a run; clean it first, unless another run writes to it.

    The mark is a lock that ends with the process, so it shows runs of this machine only. A bucket
    has no lock: :func:`delete_uncommitted` goes by the age of files there.
    """
    if store.scheme(root) is not None:
        clean()
        yield
        return
    lock = Path(store.join(root, RUN_LOCK))
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            clean()
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            # Another run could be about to put a file there: it is asked for its lock first.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                Path(store.join(root, TEMPORARY)).rmdir()


def is_written_here(root: str) -> bool | None:
    """Whether a run of this machine writes to an output; None for a bucket, which has no lock."""
    if store.scheme(root) is not None:
        return None
    try:
        with Path(store.join(root, RUN_LOCK)).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
