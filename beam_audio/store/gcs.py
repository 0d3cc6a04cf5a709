"""The parts of ``gs://`` that Beam leaves out: generations, and writes with a precondition.

A generation is the number of an object's version. Names are taken literally. The client's own
retries apply: it repeats requests answered with 408, 429 or 5xx for up to two minutes, after 1, 2,
4 … seconds, each shortened at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.api_core.exceptions import NotFound, PreconditionFailed

from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud.storage import Blob, Client


def bucket_and_name(uri: str) -> tuple[str, str]:
    """Bucket and object name of an address; the name is empty if it names a bucket."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return bucket, name


def objects(client: Client, prefix: str) -> Iterator[StoredFile]:
    """Every object whose address begins with a prefix."""
    bucket, name = bucket_and_name(prefix)
    return map(_stored_file, client.list_blobs(bucket, prefix=name))


def find(client: Client, uri: str) -> StoredFile | None:
    """One object, None if it does not exist."""
    bucket, name = bucket_and_name(uri)
    blob = client.bucket(bucket).get_blob(name)
    return _stored_file(blob) if blob else None


def swap(
    client: Client, uri: str, content: bytes, may_replace: Callable[[bytes | None], bool]
) -> bytes | None:
    """Write an object if its present content may be replaced.

    Arguments and result are those of :func:`beam_audio.store.compare_and_swap.swap`.
    """
    bucket_name, name = bucket_and_name(uri)
    bucket = client.bucket(bucket_name)
    while True:
        found = bucket.get_blob(name)
        generation = found.generation if found else 0
        try:
            current = None
            if found:
                current = bucket.blob(name).download_as_bytes(if_generation_match=generation)
            # Equal bytes are our own: the answer was lost and the request repeated.
            if current == content or not may_replace(current):
                return current
            bucket.blob(name).upload_from_string(content, if_generation_match=generation)
        except (NotFound, PreconditionFailed):
            if found is None and not bucket.exists():
                raise
            continue  # another writer was faster
        return content


def _stored_file(blob: Blob) -> StoredFile:
    return StoredFile(
        path=f"gs://{blob.bucket.name}/{blob.name}",
        size_in_bytes=blob.size or 0,
        last_updated_in_seconds=blob.updated.timestamp(),
        version=str(blob.generation),
    )
