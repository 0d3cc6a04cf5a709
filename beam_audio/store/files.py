"""Files of a store: listed, read, written whole, renamed, deleted.

Everything goes through Beam's ``FileSystems``, so a local path, ``gs://`` and ``s3://`` behave
alike. Two modules fill its gaps: :mod:`beam_audio.store.gcs` for ``gs://``, and
:mod:`beam_audio.store.local_disk` for what a disk holds beside files.
"""

from __future__ import annotations

import os
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from beam_audio.errors import InputError, StoreError
from beam_audio.store import beam_hooks, gcs, local_disk
from beam_audio.store.output_names import TEMPORARY
from beam_audio.store.patterns import below, fixed_part, matcher
from beam_audio.store.relative_names import inside, join
from beam_audio.store.reported import reported
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from apache_beam.io.filesystem import FileMetadata
    from apache_beam.io.gcp.gcsio import GcsIO
    from google.cloud.storage import Client

T = TypeVar("T")

_KEPT: Final[dict[str, tuple[object, GcsIO]]] = {}
"""Beam's access to each server, with the options it was made with."""
_READERS: Final = 16
_READ_TOGETHER: Final = 16 * _READERS
_NOT_FOUND: Final = 404
BUFFER_BYTES: Final = 16 << 20
"""How much of an object of ``gs://`` is asked for at a time, as Beam does."""


def scheme(uri: str) -> str | None:
    """The part before ``://``; None for a local path."""
    before, separator, _ = uri.partition("://")
    return before if separator else None


def gcs_client() -> Client:
    """The client that Beam's file system uses, with the options of the run."""
    return _gcs_io().client


def _gcs_io() -> GcsIO:
    """Beam's access to ``gs://``, kept for the next file.

    Beam makes one for each file, with a connection of its own and a question for the bucket's
    metadata. With 50 kB objects of a local server, a kept one was twice as fast and took 0.4 × the
    CPU time.
    """
    file_system = beam_hooks.google_file_system()
    options = beam_hooks.google_options(file_system)
    server = os.environ.get("STORAGE_EMULATOR_HOST", "")
    kept_options, kept = _KEPT.get(server, (None, None))
    if kept is None or kept_options is not options:
        kept = beam_hooks.gcs_io(file_system)
        _KEPT[server] = (options, kept)
    return kept


def s3_client() -> Any:  # noqa: ANN401 - boto3's clients are not typed
    """The client that Beam's file system uses, with the options of the run."""
    from apache_beam.io.aws.clients.s3 import boto3_client  # noqa: PLC0415 - of the aws extra

    return boto3_client.Client(options=beam_hooks.amazon_options()).client


def open_to_read(uri: str, *, buffer_bytes: int = BUFFER_BYTES) -> BinaryIO:
    """Open the bytes as they are stored; a suffix such as ``.gz`` decompresses nothing.

    Args:
        uri: The file.
        buffer_bytes: How much of an object of ``gs://`` is asked for at a time.

    Raises:
        InputError: It is missing, cannot be opened, or is a pipe, a device or the like.
    """
    with reported(InputError, f"cannot open {uri!r}"):
        if scheme(uri) == "gs":
            file = _gcs_io().open(uri, "r", read_buffer_size=buffer_bytes)
        elif scheme(uri) is None:
            file = local_disk.open_regular(uri)
        else:
            file = FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return cast("BinaryIO", file)


def read_each(read: Callable[[str], T], uris: Sequence[str]) -> Iterator[T]:
    """Read many small files in order; in a bucket several at a time, as reading is waiting there.

    Args:
        read: Turns one file into a value; called in any thread.
        uris: Files of one store.
    """
    if not uris or scheme(uris[0]) is None:
        yield from map(read, uris)
        return
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(uris), _READ_TOGETHER):
            yield from readers.map(read, uris[start : start + _READ_TOGETHER])


def open_to_write(uri: str) -> BinaryIO:
    """Create a file and the folders above it.

    Raises:
        StoreError: It cannot be created.
    """
    with reported(StoreError, f"cannot write {uri!r}", "; choose another --output"):
        if scheme(uri) == "gs":
            file = _gcs_io().open(uri, "w")
        elif scheme(uri) is None:
            file = local_disk.create(uri)
        else:
            file = FileSystems.create(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return cast("BinaryIO", file)


def exists(uri: str) -> bool:
    """Whether there is a file, folder or object of exactly this name.

    Raises:
        InputError: The store does not say.
    """
    if scheme(uri) and "/" not in uri.partition("://")[2]:
        return False  # a bucket is not an object
    with reported(InputError, f"cannot find {uri!r}"):
        return bool(_gcs_io().exists(uri) if scheme(uri) == "gs" else FileSystems.exists(uri))


def stat(uri: str) -> StoredFile:
    """Size and version of one file or object; its name is taken literally.

    Raises:
        InputError: It does not exist, is not a regular file, or the store does not say.
    """
    require_regular(uri)
    with reported(InputError, f"cannot find {uri!r}"):
        # Beam's own way takes ten times as long, and a list may be of a million files.
        if scheme(uri) is None and (listed := local_disk.listed(uri)) is not None:
            return listed
        if scheme(uri) != "gs":
            return _stored_file(FileSystems.get_filesystem(uri).metadata(uri))
        found = gcs.find(gcs_client(), uri)
    if found is None:
        raise InputError(f"cannot find {uri!r}: there is no such object")
    return found


def require_regular(uri: str) -> None:
    """Refuse a local pipe, socket or device, a dead link and the system's own files.

    Reading a pipe or a device may never end, and the system's files hold what nobody meant to be
    transcribed, such as passwords in ``/proc/self/environ``.

    Raises:
        InputError: The path exists and is not a regular file. A missing path is not refused.
    """
    with reported(InputError, f"cannot find {uri!r}"):
        what = local_disk.irregular(uri) if scheme(uri) is None else None
    if what is not None:
        raise InputError(f"{uri!r} {local_disk.refusal(what)}")


def files_under(folder: str) -> list[StoredFile]:
    """Every file below a folder, at any depth; none if the folder does not exist."""
    return files_like(folder, "**")


def files_like(folder: str, pattern: str) -> list[StoredFile]:
    """Files of a folder whose names match; none if the folder does not exist.

    Raises:
        StoreError: It cannot be listed.
    """
    with reported(StoreError, f"cannot list {folder!r}"):
        return match(below(folder, pattern))


def match(pattern: str, *, follow_links: bool = False) -> list[StoredFile]:
    """Files whose paths match Beam's pattern. On local disks also links to nothing and pipes.

    Args:
        pattern: The pattern.
        follow_links: Whether folders that local links lead to are searched, too.
    """
    return list(each_match(pattern, follow_links=follow_links))


def each_match(pattern: str, *, follow_links: bool = False) -> Iterator[StoredFile]:
    """The files of :func:`match`, of which disks and ``gs://`` keep few in memory."""
    if scheme(pattern) not in {None, "gs"}:
        (result,) = FileSystems.match([pattern])
        yield from map(_stored_file, result.metadata_list)
        return
    start = fixed_part(pattern)
    found = (
        gcs.objects(gcs_client(), start)
        if scheme(pattern) == "gs"
        else local_disk.files(os.path.dirname(start), follow_links=follow_links)  # noqa: PTH120 - Path("") would be "."
    )
    matches = matcher(pattern)
    yield from (each for each in found if matches(each.path))


def write_whole(root: str, name: str, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing.

    Raises:
        StoreError: It cannot be written, or its name leads out of the folder.
    """
    target = inside(root, name)
    temporary = temporary_name(root)
    with (
        reported(StoreError, f"cannot write {target!r}"),
        open_to_write(temporary) as file,
    ):
        file.write(content)
    move_into(root, {temporary: name})


def move_into(root: str, names: dict[str, str]) -> None:
    """Rename temporary files to their final names below ``root``, replacing files of these names.

    Raises:
        StoreError: A rename failed, or a name leads out of the folder.
    """
    targets = [inside(root, name) for name in names.values()]
    with reported(StoreError, f"cannot move finished files into {root!r}"):
        if scheme(root) is None:
            for folder in {target.rpartition("/")[0] for target in targets}:
                # Beam's own mkdirs fails if another process creates the folder first.
                Path(folder).mkdir(parents=True, exist_ok=True)
        FileSystems.rename(list(names), targets)


def temporary_name(root: str) -> str:
    """A new name for a file that is being written."""
    return join(root, TEMPORARY, uuid.uuid4().hex)


def temporary_folder(root: str, name: str) -> str:
    """A folder for files that are deleted when a run ends."""
    return join(root, TEMPORARY, name)


def delete_folder(folder: str) -> None:
    """Delete a folder with all that is in it."""
    delete(*[each.path for each in files_under(folder)])
    if scheme(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)


def delete(*uris: str) -> None:
    """Delete files by their literal names; missing ones are not an error.

    Raises:
        StoreError: One cannot be deleted.
    """
    if not uris:
        return
    with reported(StoreError, "cannot delete files that are no longer needed"):
        if scheme(uris[0]) is None:
            for uri in uris:
                Path(uri).unlink(missing_ok=True)
        elif scheme(uris[0]) == "gs":
            # Beam's own delete() would read names as patterns.
            statuses = _gcs_io().delete_batch(list(uris))
            failed = {uri: code for uri, code in statuses if code not in {None, _NOT_FOUND}}
            if failed:
                raise OSError(f"the store answered {failed}")
        else:
            FileSystems.delete(list(uris))


def is_local_folder(path: str) -> bool:
    """Whether a path is a local folder; object stores have none."""
    return scheme(path) is None and Path(path).is_dir()


def _stored_file(metadata: FileMetadata) -> StoredFile:
    seconds = metadata.last_updated_in_seconds
    return StoredFile(
        metadata.path, metadata.size_in_bytes, seconds, repr(seconds) if seconds else ""
    )
