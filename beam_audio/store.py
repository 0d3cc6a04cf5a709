"""Files of the output folder: read, written whole, renamed, swept.

Everything goes through Beam's ``FileSystems``, so a local path and ``gs://`` behave alike.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

from beam_audio.errors import InputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Container
    from typing import BinaryIO

    from beam_audio.schema import Table

TABLES: Final[tuple[Table, ...]] = ("segments", "recordings", "failures")
_TEMPORARY = "_tmp"


def join(root: str, *parts: str) -> str:
    """Join with forward slashes, which local paths and object names both take."""
    return "/".join([root.rstrip("/"), *parts])


def open_to_read(uri: str) -> BinaryIO:
    """Open the bytes as they are stored: nothing is decompressed by its suffix.

    Raises:
        InputError: It is missing or cannot be opened.
    """
    try:
        file: BinaryIO = FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    except (BeamIOError, OSError, ValueError) as error:
        raise InputError(f"cannot open {uri!r}: {error}") from error
    return file


def open_to_write(uri: str) -> BinaryIO:
    """Create a file, and the folders above it.

    Raises:
        StoreError: It cannot be created.
    """
    try:
        file: BinaryIO = FileSystems.create(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    except (BeamIOError, OSError, ValueError) as error:
        raise StoreError(f"cannot write {uri!r}: {error}; choose another --output") from error
    return file


def stat(uri: str) -> FileMetadata:
    """Size and last update of one object, its name taken literally.

    Raises:
        InputError: It does not exist or cannot be looked at.
    """
    try:
        return FileSystems.get_filesystem(uri).metadata(uri)
    except (BeamIOError, OSError, ValueError) as error:
        raise InputError(f"cannot find {uri!r}: {error}") from error


def literal(path: str) -> str:
    """A pattern that matches just this path, whatever characters it holds."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)


def files_under(folder: str) -> list[FileMetadata]:
    """Every file below a folder, at any depth; none when the folder does not exist."""
    return files_like(folder, "**")


def files_like(folder: str, pattern: str) -> list[FileMetadata]:
    """Files of a folder whose names match; none when the folder does not exist.

    Raises:
        StoreError: It cannot be listed.
    """
    try:
        (match,) = FileSystems.match([f"{literal(folder.rstrip('/'))}/{pattern}"])
    except BeamIOError as error:
        raise StoreError(f"cannot list {folder!r}: {error}") from error
    return list(match.metadata_list)


def write_whole(root: str, name: str, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing."""
    temporary = join(root, _TEMPORARY, uuid.uuid4().hex)
    with open_to_write(temporary) as file:
        file.write(content)
    publish(root, {temporary: name})


def publish(root: str, names: dict[str, str]) -> None:
    """Rename temporary files to their final names below ``root``, replacing what is there.

    Raises:
        StoreError: A rename failed; nothing is committed then.
    """
    targets = [join(root, name) for name in names.values()]
    try:
        if "://" not in root:
            for folder in {target.rpartition("/")[0] for target in targets}:
                # Beam's own mkdirs fails where another process was a moment faster.
                Path(folder).mkdir(parents=True, exist_ok=True)
        FileSystems.rename(list(names), targets)
    except (BeamIOError, OSError) as error:
        raise StoreError(f"cannot move finished files into {root!r}: {error}") from error


def temporary_name(root: str) -> str:
    """A fresh name for a file that is being written."""
    return join(root, _TEMPORARY, uuid.uuid4().hex)


def sweep(root: str, committed: Container[str]) -> int:
    """Delete part files other than those committed, and temporary files.

    Args:
        root: The output folder.
        committed: Names of part files, relative to it.

    Returns:
        How many files were deleted.
    """
    start = len(root.rstrip("/")) + 1
    parts = [meta.path for table in TABLES for meta in files_under(join(root, table))]
    left_over = [path for path in parts if path[start:] not in committed and _is_part(path)]
    _delete_all(left_over)
    return len(left_over) + remove_temporary(root)


def remove_temporary(root: str) -> int:
    """Delete what stands under temporary names, and on local disks the folders too.

    Returns:
        How many files were deleted.
    """
    folder = join(root, _TEMPORARY)
    paths = [meta.path for meta in files_under(folder)]
    if is_local_folder(folder):
        shutil.rmtree(folder)
    else:
        _delete_all(paths)
    return len(paths)


def _delete_all(paths: list[str]) -> None:
    try:
        FileSystems.delete(paths)
    except BeamIOError as error:
        raise StoreError(f"cannot remove a dead run's files: {error}") from error


def _is_part(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith("part-") and name.endswith(".parquet")


def delete(uri: str) -> None:
    """Delete one file that this process wrote."""
    FileSystems.delete([uri])


def require_writable(root: str) -> None:
    """Write and delete a probe file.

    Raises:
        StoreError: The output cannot be written.
    """
    probe = temporary_name(root)
    try:
        with open_to_write(probe) as file:
            file.write(b"probe")
        FileSystems.delete([probe])
    except (BeamIOError, OSError) as error:
        raise StoreError(f"--output={root} is not writable: {error}") from error


def is_local_folder(path: str) -> bool:
    """Whether a local path is a folder; object stores have none."""
    return "://" not in path and Path(path).is_dir()
