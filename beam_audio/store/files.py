"""Files of a store: listed, read, written whole, renamed, deleted.

Everything goes through Beam's ``FileSystems``, so a local path, ``gs://`` and ``s3://`` behave
alike; for ``gs://`` what it leaves out, or does by pattern, goes through
:mod:`beam_audio.store.gcs`.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from apache_beam.io.aws.clients.s3.messages import S3ClientError
from apache_beam.io.filesystem import CompressionTypes, FileSystem
from apache_beam.io.filesystems import FileSystems
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import InvalidResponse

from beam_audio.errors import BeamAudioError, InputError, StoreError
from beam_audio.store import gcs
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

    from apache_beam.io.filesystem import FileMetadata
    from apache_beam.io.gcp.gcsio import GcsIO
    from google.cloud.storage import Client

    from beam_audio.schema import Table

T = TypeVar("T")

TABLES: Final[tuple[Table, ...]] = ("segments", "recordings", "failures")
TEMPORARY: Final = "_tmp"
_KEPT: Final[dict[str, tuple[object, GcsIO]]] = {}
"""By server: what it was made with, and Beam's access."""
_READERS: Final = 16
_READ_TOGETHER: Final = 16 * _READERS
_NOT_FOUND: Final = 404
_RAISED_BY_STORES: Final = (
    *(OSError, ValueError),
    *(GoogleAPIError, GoogleAuthError, InvalidResponse, S3ClientError),
)


def join(root: str, *parts: str) -> str:
    """Join with forward slashes, which local paths and object names both take."""
    return "/".join([root.rstrip("/"), *parts])


def scheme(uri: str) -> str | None:
    """What stands before ``://``; None for a local path."""
    before, separator, _ = uri.partition("://")
    return before if separator else None


def gcs_client() -> Client:
    """The client that Beam's file system uses, with the options of the run."""
    return _gcs_io().client


def _gcs_io() -> GcsIO:
    """Beam's access to ``gs://``, kept: it makes one a file, each with a connection of its own.

    Each asks for the bucket's metadata besides. As measured with 50 kB objects of a local server,
    one that is kept reads twice as fast, in 0.4 × of the CPU time.
    """
    file_system = FileSystems.get_filesystem("gs://")
    options = file_system._pipeline_options  # noqa: SLF001 - Beam has no other
    server = os.environ.get("STORAGE_EMULATOR_HOST", "")
    kept_options, kept = _KEPT.get(server, (None, None))
    if kept is None or kept_options is not options:
        kept = file_system._gcsIO()  # noqa: SLF001 - Beam has no other
        _KEPT[server] = (options, kept)
    return kept


def s3_client() -> Any:  # noqa: ANN401 - boto3's clients are not typed
    """The client that Beam's file system uses, with the options of the run."""
    from apache_beam.io.aws.clients.s3 import boto3_client  # noqa: PLC0415 - of the aws extra

    options = FileSystems.get_filesystem("s3://")._options  # noqa: SLF001 - Beam has no other
    return boto3_client.Client(options=options).client


@contextmanager
def reported(kind: type[BeamAudioError], what: str, cure: str = "") -> Iterator[None]:
    """Raise what a store's client raises as an error of ours."""
    try:
        yield
    except _RAISED_BY_STORES as error:
        raise kind(f"{what}: {error}{cure}") from error


def open_to_read(uri: str) -> BinaryIO:
    """Open the bytes as they are stored: nothing is decompressed by its suffix.

    Raises:
        InputError: It is missing or cannot be opened.
    """
    with reported(InputError, f"cannot open {uri!r}"):
        if scheme(uri) == "gs":
            file = _gcs_io().open(uri, "r")
        else:
            file = FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return cast("BinaryIO", file)


def read_each(read: Callable[[str], T], uris: Sequence[str]) -> Iterator[T]:
    """Read many small files, in their order; several at a time where reading is mostly waiting.

    Args:
        read: Makes something of one file, in whatever thread.
        uris: Files of one store.
    """
    if not uris or scheme(uris[0]) is None:
        yield from map(read, uris)
        return
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(uris), _READ_TOGETHER):
            yield from readers.map(read, uris[start : start + _READ_TOGETHER])


def open_to_write(uri: str) -> BinaryIO:
    """Create a file, and the folders above it.

    Raises:
        StoreError: It cannot be created.
    """
    with reported(StoreError, f"cannot write {uri!r}", "; choose another --output"):
        if scheme(uri) == "gs":
            file = _gcs_io().open(uri, "w")
        else:
            file = FileSystems.create(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return cast("BinaryIO", file)


def exists(uri: str) -> bool:
    """Whether there is a file or folder, or an object, of just this name.

    Raises:
        InputError: It cannot be looked at.
    """
    if scheme(uri) and "/" not in uri.partition("://")[2]:
        return False  # a bucket is no object
    with reported(InputError, f"cannot find {uri!r}"):
        return bool(_gcs_io().exists(uri) if scheme(uri) == "gs" else FileSystems.exists(uri))


def stat(uri: str) -> StoredFile:
    """Size and version of one file or object, its name taken literally.

    Raises:
        InputError: It does not exist or cannot be looked at.
    """
    with reported(InputError, f"cannot find {uri!r}"):
        if scheme(uri) is None and Path(uri).exists() and not Path(uri).is_file():
            raise InputError(f"{uri!r} is no file")  # reading a pipe or a device may never end
        if scheme(uri) != "gs":
            return _stored_file(FileSystems.get_filesystem(uri).metadata(uri))
        found = gcs.find(gcs_client(), uri)
    if found is None:
        raise InputError(f"cannot find {uri!r}: there is no such object")
    return found


def literal(path: str) -> str:
    """A pattern that matches just this path, whatever characters it holds."""
    return "".join(f"[{char}]" if is_pattern(char) else char for char in path)


def is_pattern(path: str) -> bool:
    """Whether a path holds characters that make it a pattern."""
    return any(char in path for char in "*?[")


def files_under(folder: str) -> list[StoredFile]:
    """Every file below a folder, at any depth; none when the folder does not exist."""
    return files_like(folder, "**")


def files_like(folder: str, pattern: str) -> list[StoredFile]:
    """Files of a folder whose names match; none when the folder does not exist.

    Raises:
        StoreError: It cannot be listed.
    """
    with reported(StoreError, f"cannot list {folder!r}"):
        return match(below(folder, pattern))


def below(folder: str, pattern: str = "**") -> str:
    """A pattern for what is in a folder, whose name is taken literally."""
    return f"{literal(folder.rstrip('/'))}/{pattern}"


def match(pattern: str) -> list[StoredFile]:
    """Files whose paths match Beam's pattern; for an object store a pattern is no folder."""
    if scheme(pattern) != "gs":
        (result,) = FileSystems.match([pattern])
        return [_stored_file(metadata) for metadata in result.metadata_list]
    matches = re.compile(FileSystem.translate_pattern(pattern)).match
    prefix = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return [found for found in gcs.objects(gcs_client(), prefix) if matches(found.path)]


def write_whole(root: str, name: str, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing."""
    temporary = temporary_name(root)
    with (
        reported(StoreError, f"cannot write {join(root, name)!r}"),
        open_to_write(temporary) as file,
    ):
        file.write(content)
    move_into(root, {temporary: name})


def move_into(root: str, names: dict[str, str]) -> None:
    """Rename temporary files to their final names below ``root``, replacing what is there.

    Raises:
        StoreError: A rename failed; nothing is committed then.
    """
    targets = [join(root, name) for name in names.values()]
    with reported(StoreError, f"cannot move finished files into {root!r}"):
        if scheme(root) is None:
            for folder in {target.rpartition("/")[0] for target in targets}:
                # Beam's own mkdirs fails where another process was a moment faster.
                Path(folder).mkdir(parents=True, exist_ok=True)
        FileSystems.rename(list(names), targets)


def temporary_name(root: str) -> str:
    """A fresh name for a file that is being written."""
    return join(root, TEMPORARY, uuid.uuid4().hex)


def temporary_folder(root: str, name: str) -> str:
    """A folder for what is not to outlive a run."""
    return join(root, TEMPORARY, name)


def remove_temporary_folder(root: str, folder: str) -> None:
    """Delete a folder of temporary files, and on local disks the one above when it is empty."""
    delete(*[each.path for each in files_under(folder)])
    if scheme(root) is None:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # not there, or another run's files are in it
            Path(join(root, TEMPORARY)).rmdir()


def delete(*uris: str) -> None:
    """Delete files by their literal names; those that are gone already are no error.

    Raises:
        StoreError: One cannot be deleted.
    """
    if not uris:
        return
    with reported(StoreError, "cannot remove files that are not needed"):
        if scheme(uris[0]) is None:
            for uri in uris:
                Path(uri).unlink(missing_ok=True)
        elif scheme(uris[0]) == "gs":
            # Beam's own delete() takes names for patterns.
            statuses = _gcs_io().delete_batch(list(uris))
            failed = {uri: code for uri, code in statuses if code not in {None, _NOT_FOUND}}
            if failed:
                raise OSError(f"the store answered {failed}")
        else:
            FileSystems.delete(list(uris))


def is_local_folder(path: str) -> bool:
    """Whether a local path is a folder; object stores have none."""
    return scheme(path) is None and Path(path).is_dir()


def _stored_file(metadata: FileMetadata) -> StoredFile:
    seconds = metadata.last_updated_in_seconds
    return StoredFile(
        metadata.path, metadata.size_in_bytes, seconds, repr(seconds) if seconds else ""
    )
