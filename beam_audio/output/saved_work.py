"""Work on long recordings that is saved before there are rows of it, below ``OUTPUT/_parts/``.

There is a folder for the settings of the work, and in it one for each input. That holds what was
recognised, part by part, and in the end what is known of the recordings as a whole. Each file is
written whole. Nothing here counts as rows: it only spares a later run the same work.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio import store
from beam_audio.errors import StoreError, of_machine
from beam_audio.store.output_names import SAVED_WORK
from beam_audio.store.store_clock import present_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ENDS: Final = "ends.json"
_SUFFIX: Final = ".parquet"
_COLUMNS: Final = pa.schema([("content", pa.string()), ("audio", pa.binary())])
_ROWS: Final = 16
"""Segments that are written and read at a time; each may carry half a minute of audio."""
_IN_USE_SECONDS: Final = 3600.0
"""Younger files in a bucket may be of a run that is at work."""


@dataclass(frozen=True, slots=True)
class SavedSegment:
    """What became of a segment, as JSON holds it, and its encoded audio if that is stored."""

    content: dict[str, Any]
    audio: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Parts ``[first, stop)`` of a recording: all that begins in them was recognised."""

    recording_id: str
    first: int
    stop: int


def work_folder(settings_id: str, input_id: str) -> str:
    """The folder of an input's saved work, relative to the output."""
    return f"{SAVED_WORK}/{settings_id}/{input_id}"


def saved_inputs(root: str, settings_id: str) -> frozenset[str]:
    """Ids of the inputs with work that was saved under these settings."""
    folder = store.join(root, SAVED_WORK, settings_id)
    start = len(folder.rstrip("/")) + 1
    return frozenset(each.path[start:].partition("/")[0] for each in store.files_under(folder))


def saved_folders(root: str) -> dict[str, int]:
    """Every input with saved work, by its folder, and how many parts are saved."""
    found: dict[str, int] = {}
    start = len(root.rstrip("/")) + 1
    for each in store.files_under(store.join(root, SAVED_WORK)):
        folder, _, name = each.path[start:].rpartition("/")
        found[folder] = found.get(folder, 0) + name.endswith(_SUFFIX)
    return found


def write_span(root: str, folder: str, span: Span, segments: Iterable[SavedSegment]) -> None:
    """Save what was recognised in some parts of a recording.

    Raises:
        MachineError: The file cannot be written.
        StoreError: It cannot be renamed.
    """
    temporary = store.temporary_name(root)
    with (
        of_machine(f"the output {root!r} cannot be written", "free some space there"),
        store.open_to_write(temporary) as sink,
        pq.ParquetWriter(sink, _COLUMNS, compression="zstd", write_page_checksum=True) as writer,
    ):
        batch: list[dict[str, Any]] = []
        for each in segments:
            batch.append({"content": json.dumps(each.content), "audio": each.audio})
            if len(batch) == _ROWS:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=_COLUMNS))
                batch = []
        writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=_COLUMNS))
    name = f"{span.recording_id}-{span.first}-{span.stop}{_SUFFIX}"
    store.move_into(root, {temporary: f"{folder}/{name}"})


def read_spans(root: str, folder: str) -> Iterator[tuple[Span, Iterator[SavedSegment]]]:
    """The saved parts of an input, in order.

    Raises:
        StoreError: A file is damaged.
    """
    files = [each.path for each in store.files_under(store.join(root, folder))]
    spans = sorted((_span(path), path) for path in files if path.endswith(_SUFFIX))
    for span, path in spans:
        yield span, _segments(path)


def write_ends(root: str, folder: str, content: dict[str, Any]) -> None:
    """Save what is known of an input's recordings once they are decoded to their ends.

    Raises:
        StoreError: It cannot be written.
    """
    store.write_whole(root, f"{folder}/{_ENDS}", json.dumps(content).encode())


def read_ends(root: str, folder: str) -> dict[str, Any] | None:
    """Read it back; None if it was not saved yet."""
    uri = store.join(root, folder, _ENDS)
    if not store.exists(uri):
        return None
    with store.open_to_read(uri) as file:
        found: dict[str, Any] = json.loads(file.read())
    return found


def delete_work(root: str, folders: Iterable[str]) -> None:
    """Delete the saved work of inputs that have rows now."""
    for folder in folders:
        store.delete_folder(store.join(root, folder))
        _drop_if_empty(store.join(root, folder).rpartition("/")[0])
        _drop_if_empty(store.join(root, SAVED_WORK))


def delete_work_of_others(root: str, settings_id: str) -> int:
    """Delete what was saved under other settings; in a bucket, what is an hour old at least.

    Returns:
        How many files were deleted.
    """
    folder = store.join(root, SAVED_WORK)
    start = len(folder.rstrip("/")) + 1
    files = [
        each
        for each in store.files_under(folder)
        if each.path[start:].partition("/")[0] != settings_id
    ]
    if not files:
        return 0
    if store.scheme(root) is not None:
        oldest = present_seconds(root) - _IN_USE_SECONDS
        files = [each for each in files if each.last_updated_in_seconds < oldest]
    store.delete(*[each.path for each in files])
    if store.scheme(root) is None:
        for other in {each.path[start:].partition("/")[0] for each in files}:
            shutil.rmtree(store.join(folder, other), ignore_errors=True)
        _drop_if_empty(folder)
    return len(files)


def _drop_if_empty(folder: str) -> None:
    if store.scheme(folder) is None:
        with suppress(OSError):
            Path(folder).rmdir()


def _span(path: str) -> Span:
    name = path.rpartition("/")[2].removesuffix(_SUFFIX)
    try:
        recording_id, first, stop = name.split("-")
        return Span(recording_id, int(first), int(stop))
    except ValueError as error:
        raise StoreError(f"{path!r} was not written by this version; delete it") from error


def _segments(path: str) -> Iterator[SavedSegment]:
    with store.open_to_read(path) as file:
        try:
            for batch in pq.ParquetFile(file, page_checksum_verification=True).iter_batches(_ROWS):
                for row in batch.to_pylist():
                    yield SavedSegment(json.loads(row["content"]), row["audio"])
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise StoreError(f"{path!r} cannot be read ({error}); delete it") from error
