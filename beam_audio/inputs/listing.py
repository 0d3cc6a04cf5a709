"""Turning a glob, folder, file or manifest line into references; no audio is read."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import filterfalse
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import AccessError, InputError
from beam_audio.inputs.addresses import beside, plain_address, require_store
from beam_audio.inputs.left_out import LeftOut, inputs_below
from beam_audio.inputs.manifest import ManifestEntry, parse_line
from beam_audio.inputs.manifest_files import lines_of, refusal
from beam_audio.inputs.redaction import redacted
from beam_audio.store.credentials import require_credentials
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import AudioRef, Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.allowed import AllowedPlaces
    from beam_audio.inputs.manifest_files import Line

_HADOOP_MARKER: Final = "_$folder$"
"""How Hadoop ends the name of an empty object that stands for a folder."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What ``--input`` matches.

    Attributes:
        files: The inputs, on disk, by their addresses. Local ones may be pipes or dead
            links: :func:`input_of_file` makes failures of those.
        left_out: What is not an input.
    """

    files: GroupsOnDisk[StoredFile]
    left_out: LeftOut


def list_input(pattern: str, exclude: str | None = None) -> Listing:
    """List what ``--input`` names.

    A glob or a single file is taken as it is, except for hidden names. Of a folder,
    :func:`beam_audio.inputs.left_out.inputs_below` says what is taken. In a bucket one name may be
    an object and a folder: both are meant. Empty objects that consoles and Hadoop draw folders with
    are no inputs.

    Args:
        pattern: The value of ``--input``.
        exclude: A folder whose files are not inputs, such as the output.

    Raises:
        InputError: The pattern cannot be listed.
    """
    pattern = absolute(pattern)
    require_store(pattern)
    exclude = exclude and absolute(exclude)
    with store.reported(InputError, f"cannot list --input={pattern}"):
        named = _matches(pattern) if store.is_pattern(pattern) else GroupsOnDisk[StoredFile]()
        is_folder = not named or _is_folder(pattern)
        if is_folder:
            is_file = not named and _is_file(pattern)
            named = GroupsOnDisk[StoredFile]()
            if is_file:
                named.add([(redacted(pattern), store.stat(pattern))])
        below = _matches(store.below(pattern)) if is_folder else GroupsOnDisk[StoredFile]()
    files, left_out = inputs_below(pattern, below, exclude)
    hidden = left_out.hidden

    def is_shown(file: StoredFile) -> bool:
        nonlocal hidden
        if exclude and is_within(file.path, exclude):
            return False
        hidden += is_hidden(file.path)
        return not is_hidden(file.path)

    files.add((redacted(each.path), each) for each in named if is_shown(each))
    return Listing(files, replace(left_out, hidden=hidden))


def _matches(pattern: str) -> GroupsOnDisk[StoredFile]:
    found = GroupsOnDisk[StoredFile]()
    matches = filterfalse(_is_marker, store.each_match(pattern, follow_links=True))
    found.add((redacted(each.path), each) for each in matches)
    return found


def match_input(pattern: str, exclude: str | None = None) -> GroupsOnDisk[StoredFile]:
    """The inputs that :func:`list_input` finds, in the order of their addresses."""
    return list_input(pattern, exclude).files


def match_manifest(pattern: str) -> list[str]:
    """Manifest files that ``--manifest`` names, sorted.

    Raises:
        InputError: The pattern cannot be listed, or a match is a pipe, a dead link or the like.
    """
    pattern = absolute(pattern)
    require_store(pattern)
    if store.is_local_folder(pattern):
        return []
    with store.reported(InputError, f"cannot list --manifest={pattern}"):
        if store.exists(pattern):
            found = [pattern]
        else:
            listed = store.match(pattern) if store.is_pattern(pattern) else []
            found = sorted(each.path for each in listed)
    _require_files(found)
    return found


def _require_files(manifests: list[str]) -> None:
    """Refuse manifests that are pipes, dead links or the like: they are read more than once.

    Raises:
        InputError: One is; the message names it.
    """
    for uri in manifests:
        try:
            store.require_regular(uri)
        except InputError as error:
            raise InputError(
                f"the manifest {error}; write its lines to a file, and name that by --manifest"
            ) from error


def read_lines(pattern: str) -> Iterator[Line | Failure]:
    """Lines of every manifest that matches; see :func:`beam_audio.inputs.manifest_files.lines_of`.

    Raises:
        InputError: A manifest cannot be opened.
    """
    for uri in match_manifest(pattern):
        yield from lines_of(uri)


def require_readable_manifest(pattern: str) -> None:
    """Check that a manifest which matches is empty or gives a line.

    Raises:
        InputError: None does; the message says why, and what a manifest holds.
    """
    why = ""
    for uri in match_manifest(pattern):
        if (found := refusal(uri)) is None:
            return
        why = why or f"{uri}: {found}"
    if why:
        raise InputError(why)


def input_of_line(
    manifest: str, number: int, line: bytes, allowed: AllowedPlaces | None = None
) -> AudioRef | Failure:
    """Reference to the file of a manifest line, which is not opened; or why there is none.

    Args:
        manifest: The manifest.
        number: The line's number, from 1.
        line: Its bytes.
        allowed: Where the file may be; None allows everywhere.
    """
    try:
        entry = parse_line(line)
        uri = beside(entry.path, manifest)
    except InputError as error:
        identity = stable_id("manifest-line", manifest, hashlib.sha256(line).hexdigest())
        return read_failure(identity, manifest, f"line {number}: {error}", None)
    return ref_of_entry(entry, uri, redacted(f"{manifest} line {number}"), allowed)


def ref_of_entry(
    entry: ManifestEntry, uri: str, stated_in: str, allowed: AllowedPlaces | None
) -> AudioRef | Failure:
    """Reference to a file with what a manifest entry states; the file is not opened.

    Args:
        entry: What is stated.
        uri: The file.
        stated_in: The line or message that states it.
        allowed: Where the file may be; None allows everywhere.

    Raises:
        MachineError: The process has no credentials for the store, or the store does not answer.
    """
    try:
        if allowed is not None:
            allowed.require(uri)
        require_store(uri)
        require_credentials(uri)
    except InputError as error:
        return _missing(uri, error, entry)
    try:
        file = ref_of_file(store.stat(uri))
    except InputError as error:
        failure = _missing(uri, error, entry)
        if isinstance(error, AccessError):
            return failure
        gone = with_statements(AudioRef(redacted(uri), 0), entry, stated_in)
        return replace(failure, place=gone.place_id, stated=gone)
    return with_statements(file, entry, stated_in)


def with_statements(file: AudioRef, entry: ManifestEntry, stated_in: str) -> AudioRef:
    """A reference with what a manifest entry states; ``stated_in`` is the line or message."""
    return replace(
        file,
        event_time=entry.event_time or file.updated,
        offset_seconds=entry.offset_seconds,
        duration_seconds=entry.duration_seconds,
        channel=entry.channel,
        manifest_seconds=entry.manifest_seconds,
        reference_text=entry.reference_text,
        language=entry.language,
        metadata=entry.metadata,
        reasons=entry.reasons,
        stated_in=stated_in,
    )


def read_failure(identity: str, uri: str, message: str, event_time: datetime | None) -> Failure:
    """The failure of an input that cannot be referred to; the secrets of addresses are left out."""
    return Failure(
        unit="input",
        stage="read",
        source_id=identity,
        uri=redacted(uri),
        error_type=InputError.__name__,
        message=redacted(message),
        event_time=event_time,
    )


def input_of_file(file: StoredFile) -> AudioRef | Failure:
    """Reference to a listed file, or a failure if it is a pipe, a device or the like."""
    try:
        store.require_regular(file.path)
    except InputError as error:
        return _missing(file.path, error, ManifestEntry(file.path))
    return ref_of_file(file)


def ref_of_file(file: StoredFile) -> AudioRef:
    """Reference to a listed file.

    Programs that download a signed address name the file after it. Such a file is read by its name
    and goes by the address without the signature.
    """
    seconds = file.last_updated_in_seconds
    updated = datetime.fromtimestamp(seconds, UTC) if seconds else None
    uri = redacted(file.path)
    return AudioRef(
        uri=uri,
        spooled_uri=None if uri == file.path else file.path,
        size_bytes=file.size_in_bytes,
        version=file.version,
        updated=updated,
        event_time=updated,
    )


def _missing(uri: str, error: InputError, entry: ManifestEntry) -> Failure:
    channel = [] if entry.channel is None else [entry.channel]
    place = (redacted(uri), entry.offset_seconds, entry.duration_seconds)
    identity = stable_id("missing", *place, *channel)
    failure = read_failure(identity, uri, str(error), entry.event_time)
    return replace(failure, error_type=type(error).__name__)


def absolute(path: str) -> str:
    """A local path in one spelling, so that ids do not depend on the working directory."""
    path = plain_address(path)
    if "://" in path or not path:
        return path
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def _is_folder(path: str) -> bool:
    return path.endswith("/") or ("://" not in path and store.is_local_folder(path))


def _is_file(path: str) -> bool:
    return store.exists(path) and not store.is_local_folder(path)


def _is_marker(file: StoredFile) -> bool:
    return is_marker(file.path) and file.size_in_bytes == 0


def is_marker(path: str) -> bool:
    """Whether a name is that of an empty object that stands for a folder."""
    return path.endswith(("/", _HADOOP_MARKER))


def is_within(path: str, folder: str) -> bool:
    """Whether a file is below a folder."""
    return path.startswith(absolute(folder).rstrip("/") + "/")


def is_hidden(path: str) -> bool:
    """Whether a file's name begins with a dot; such files are not inputs."""
    return path.rpartition("/")[2].startswith(".")
