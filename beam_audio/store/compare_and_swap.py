"""Replacing a file only if its present content allows it: no writer undoes another's work."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.errors import StoreError
from beam_audio.store import files, gcs
from beam_audio.store.output_names import LOCK
from beam_audio.store.relative_names import inside, join
from beam_audio.store.reported import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MayReplace = Callable[[bytes | None], bool]

_CONFLICTS: Final = frozenset({409, 412})


def swap(root: str, name: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    """Write a whole file if its present content may be replaced.

    No other caller of this function can write between the question and the write. ``gs://`` and
    ``s3://`` ensure that themselves, on local disks a lock does; other stores offer no such thing.

    Args:
        root: The output folder.
        name: The file, relative to it.
        content: The new content.
        may_replace: Called with the present content, None if there is no file; called again if
            another writer was faster.

    Returns:
        The content of the file now: ``content`` if it was written.

    Raises:
        StoreError: It cannot be read or written, or its name leads out of the folder.
    """
    uri = inside(root, name)
    scheme = files.scheme(root)
    with reported(StoreError, f"cannot write {uri!r}"):
        if scheme == "gs":
            return gcs.swap(files.gcs_client(), uri, content, may_replace)
        if scheme == "s3":
            return _swap_s3(uri, content, may_replace)
        if scheme is None:
            with _locked(Path(uri).parent):
                return _swap_plainly(root, name, content, may_replace)
        return _swap_plainly(root, name, content, may_replace)


def _swap_plainly(root: str, name: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    uri = join(root, name)
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
    """Let one writer in at a time; the lock ends with the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _swap_s3(uri: str, content: bytes, may_replace: MayReplace) -> bytes | None:
    """Write an object if its ETag is still the one that was read; else ask again."""
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
            # Equal bytes are our own: the answer was lost and the request repeated.
            if current == content or not may_replace(current):
                return current
            try:
                client.put_object(**place, Body=content, **condition)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _CONFLICTS:
                    raise
                continue  # another writer was faster
            return content
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error
