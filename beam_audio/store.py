"""The output folder: where its files are, what is committed, and what a dead run left behind.

Everything goes through Beam's ``FileSystems``, so a local path and ``gs://`` behave alike. A unit's
part files count only once its commit record stands in ``_units/``.
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

from beam_audio.errors import InputError, StoreError
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

TABLES = ("segments", "recordings", "failures")
_COMMITS = "_units"
_TEMPORARY = "_tmp"


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit record of one unit: written last, it makes the unit's part files count.

    Attributes:
        unit_id: Hash of the sorted source ids.
        layout: What all rows of one output share: configuration, rules, partition keys.
        source_ids: Every input of the unit.
        failed_source_ids: Those that have no row in ``recordings/``.
        known_source_ids: Those whose very bytes have rows in another unit, under the same name.
        recording_ids: Recordings that have their row in this unit.
        files: Part files, relative to the output folder.
        rows: Rows by table.
        decoded_seconds: Source seconds decoded, each counted once.
        stage_seconds: Seconds spent by stage.
        provider: Execution provider the recogniser ran on.
        attempt: 1, or more when failures were tried again.
    """

    unit_id: str
    layout: dict[str, str]
    source_ids: tuple[str, ...]
    failed_source_ids: tuple[str, ...] = ()
    known_source_ids: tuple[str, ...] = ()
    recording_ids: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    decoded_seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    provider: str = ""
    attempt: int = 1


def unit_id(source_ids: Iterable[str]) -> str:
    """Name of the unit that holds these inputs, whatever their order."""
    return stable_id("unit", sorted(source_ids))


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
    try:
        (match,) = FileSystems.match([literal(folder.rstrip("/")) + "/**"])
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
                if not FileSystems.exists(folder):
                    FileSystems.mkdirs(folder)
        FileSystems.rename(list(names), targets)
    except (BeamIOError, OSError) as error:
        raise StoreError(f"cannot move finished files into {root!r}: {error}") from error


def temporary_name(root: str) -> str:
    """A fresh name for a file that is being written."""
    return join(root, _TEMPORARY, uuid.uuid4().hex)


def write_commit(root: str, commit: Commit) -> None:
    """Write a unit's commit record."""
    content = json.dumps(asdict(commit), indent=1, sort_keys=True).encode()
    write_whole(root, f"{_COMMITS}/{commit.unit_id}.json", content)


def read_commit(root: str, identifier: str) -> Commit | None:
    """The commit record of one unit, if it is committed."""
    uri = join(root, _COMMITS, f"{identifier}.json")
    return _load_commit(uri) if FileSystems.exists(uri) else None


def read_commits(root: str) -> Iterator[Commit]:
    """Every commit record of an output."""
    for metadata in files_under(join(root, _COMMITS)):
        if metadata.path.endswith(".json"):
            yield _load_commit(metadata.path)


def _load_commit(uri: str) -> Commit:
    with open_to_read(uri) as file:
        content = file.read()
    try:
        fields: dict[str, Any] = json.loads(content)
        for name, value in fields.items():
            if isinstance(value, list):
                fields[name] = tuple(value)
        return Commit(**fields)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"commit record {uri!r} is not one this version wrote ({error}); "
            "move it away and the unit will be done again"
        ) from error


def sweep(root: str) -> int:
    """Delete part files and temporary files that no commit record names.

    Returns:
        How many files were deleted.
    """
    committed = {join(root, name) for commit in read_commits(root) for name in commit.files}
    parts = [meta.path for table in TABLES for meta in files_under(join(root, table))]
    left_over = [path for path in parts if path not in committed and _is_part(path)]
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
