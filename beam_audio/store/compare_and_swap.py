"""Replacing a file only if what stands there may be replaced: no writer undoes another's work."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.errors import StoreError
from beam_audio.store import files, gcs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MayReplace = Callable[[bytes | None], bool]

_LOCK: Final = ".lock"
_CONFLICTS: Final = frozenset({409, 412})


def swap(root: str, name: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    """Write a whole file if what stands there now may be replaced.

    No other writer that goes through here comes between the question and the write. On ``gs://``
    and ``s3://`` the store itself sees to that, on local disks a lock; elsewhere nothing does.

    Args:
        root: The output folder.
        name: The file, relative to it.
        content: What is to stand there.
        may_replace: Asked with what stands there, None when nothing does; asked again when another
            writer was faster.

    Returns:
        What stands there now: ``content`` when it was written.

    Raises:
        StoreError: It cannot be read or written.
    """
    uri = files.join(root, name)
    scheme = files.scheme(root)
    with files.reported(StoreError, f"cannot write {uri!r}"):
        if scheme == "gs":
            return gcs.swap(files.gcs_client(), uri, content, may_replace)
        if scheme == "s3":
            return _swap_s3(uri, content, may_replace)
        if scheme is None:
            with _locked(Path(uri).parent):
                return _swap_plainly(root, name, content, may_replace)
        return _swap_plainly(root, name, content, may_replace)


def _swap_plainly(root: str, name: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    uri = files.join(root, name)
    current = None
    if files.exists(uri):
        with files.open_to_read(uri) as file:
            current = file.read()
    if not may_replace(current):
        return current
    files.write_whole(root, name, content)
    return content


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time; the lock goes with the process that held it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _swap_s3(uri: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - the aws extra

    client = files.s3_client()
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    place = {"Bucket": bucket, "Key": key}
    try:
        while True:
            current, condition = None, {"IfNoneMatch": "*"}
            with suppress(client.exceptions.NoSuchKey):
                found = client.get_object(**place)
                current, condition = found["Body"].read(), {"IfMatch": found["ETag"]}
            # Equal bytes are our own: of a request that was repeated, its answer lost.
            if current == content or not may_replace(current):
                return current
            try:
                client.put_object(**place, Body=content, **condition)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _CONFLICTS:
                    raise
                continue  # another writer came between
            return content
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error
