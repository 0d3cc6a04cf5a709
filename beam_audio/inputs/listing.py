"""From a glob, folder, file or manifest to references; no audio is read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.manifest import MAX_LINE_BYTES, parse_line
from beam_audio.types import AudioRef, Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.manifest import ManifestEntry

Line = tuple[str, int, bytes]
"""Manifest, line number from 1, and the line's bytes."""


def match_input(pattern: str, exclude: str | None = None) -> list[StoredFile]:
    """Files that ``--input`` names, sorted by path.

    An address without glob characters names the object and all below it: in a bucket one name may
    be both. Empty objects whose names end with a slash are how consoles draw folders: no inputs.

    Raises:
        InputError: The pattern cannot be listed.
    """
    pattern = _absolute(pattern)
    with store.reported(InputError, f"cannot list --input={pattern}"):
        found = store.match(pattern) if store.is_pattern(pattern) else []
        if not found:
            found = [store.stat(pattern)] if _is_file(pattern) else []
            found += store.match(store.below(pattern))
        elif _is_folder(pattern):
            found = store.match(store.below(pattern))
    outside = [each for each in found if not exclude or not is_within(each.path, exclude)]
    return sorted(
        (each for each in outside if not is_hidden(each.path) and not _is_marker(each)),
        key=lambda each: each.path,
    )


def match_manifest(pattern: str) -> list[str]:
    """Manifest files that ``--manifest`` names, sorted.

    Raises:
        InputError: The pattern cannot be listed.
    """
    pattern = _absolute(pattern)
    if store.is_local_folder(pattern):
        return []
    with store.reported(InputError, f"cannot list --manifest={pattern}"):
        if store.exists(pattern):
            return [pattern]
        found = store.match(pattern) if store.is_pattern(pattern) else []
    return sorted(each.path for each in found)


def read_lines(pattern: str) -> Iterator[Line]:
    """Lines of every manifest that matches, as (manifest, line number from 1, bytes).

    Blank lines are no inputs. Of a line beyond the limit one byte too much is kept, which makes it
    a failure where it is parsed.
    """
    for uri in match_manifest(pattern):
        with store.open_to_read(uri) as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = file.readline(MAX_LINE_BYTES)
                if line.strip():
                    yield uri, number, line.rstrip(b"\r\n")


def input_of_line(manifest: str, number: int, line: bytes) -> AudioRef | Failure:
    """Reference of a manifest line, its file looked at but not read; or why there is none."""
    try:
        entry = parse_line(line)
    except InputError as error:
        identity = stable_id("manifest-line", manifest, hashlib.sha256(line).hexdigest())
        return read_failure(identity, manifest, f"line {number}: {error}", None)
    return ref_of_entry(entry, _resolve(entry.path, manifest))


def ref_of_entry(entry: ManifestEntry, uri: str) -> AudioRef | Failure:
    """Reference of what a manifest's entry claims of a file, which is looked at but not read."""
    try:
        file = ref_of_file(store.stat(uri))
    except InputError as error:
        identity = stable_id("missing", uri, entry.offset_seconds, entry.duration_seconds)
        return read_failure(identity, uri, str(error), entry.event_time)
    return replace(
        file,
        event_time=entry.event_time or file.updated,
        offset_seconds=entry.offset_seconds,
        duration_seconds=entry.duration_seconds,
        manifest_seconds=entry.manifest_seconds,
        reference_text=entry.reference_text,
        language=entry.language,
        metadata=entry.metadata,
    )


def read_failure(identity: str, uri: str, message: str, event_time: datetime | None) -> Failure:
    """An input of which there is no reference."""
    return Failure(
        unit="input",
        stage="read",
        source_id=identity,
        uri=uri,
        error_type=InputError.__name__,
        message=message,
        event_time=event_time,
    )


def ref_of_file(file: StoredFile) -> AudioRef:
    """Reference of a listed file."""
    seconds = file.last_updated_in_seconds
    updated = datetime.fromtimestamp(seconds, UTC) if seconds else None
    return AudioRef(
        uri=file.path,
        size_bytes=file.size_in_bytes,
        version=file.version,
        updated=updated,
        event_time=updated,
    )


def _resolve(path: str, manifest: str) -> str:
    if "://" in path or path.startswith("/"):
        return path
    return store.join(manifest.rpartition("/")[0], path)


def _absolute(path: str) -> str:
    """The one spelling of a local path, so that ids do not depend on where a run was started."""
    if "://" in path or not path:
        return path
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def _is_folder(path: str) -> bool:
    return path.endswith("/") or ("://" not in path and store.is_local_folder(path))


def _is_file(path: str) -> bool:
    return store.exists(path) and not store.is_local_folder(path)


def _is_marker(file: StoredFile) -> bool:
    return file.path.endswith("/") and file.size_in_bytes == 0


def is_within(path: str, folder: str) -> bool:
    """Whether a file is below a folder."""
    return path.startswith(_absolute(folder).rstrip("/") + "/")


def is_hidden(path: str) -> bool:
    """Whether a file's name starts with a dot: such are no inputs."""
    return path.rpartition("/")[2].startswith(".")
