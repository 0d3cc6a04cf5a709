"""An index brought up to date: only units whose records changed are read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.output.commits import commit_files, is_shared, load_commit
from beam_audio.output.parts import opened_part, rows_of
from beam_audio.search.entries import RECORDING, Entries
from beam_audio.search.voices import VOICE, arrange, put_voices, remove_voices, voices_of
from beam_audio.search.word_places import pack

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table
    from beam_audio.types import StoredFile

_ROWS_TOGETHER: Final = 20_000
"""Rows that are written between two commits of the database."""
_TRIES: Final = 5
_SEGMENT: Final = (
    *("segment_id", "recording_id", "start_seconds", "end_seconds"),
    *("text_language", "decision", "text"),
)


@dataclass(slots=True)
class Refreshing:
    """How far an index is brought up to date: units read, of how many."""

    done: int = 0
    of: int = 0


def refresh(database: sqlite3.Connection, root: str, progress: Refreshing) -> None:
    """Bring an index up to date with the commit records of an output.

    It is committed again and again meanwhile, so a search that is stopped goes on there.

    Args:
        database: The index.
        root: The output folder.
        progress: What is done is counted here.

    Raises:
        InputError: A part file is missing.
        StoreError: A record or a part file is damaged.
    """
    start = len(root.rstrip("/")) + 1
    present = {file.path[start:]: _state(file) for file in commit_files(root)}
    query = "SELECT file, state, number FROM units"
    known = {file: (state, number) for file, state, number in database.execute(query)}
    changed = sorted(
        name for name, state in present.items() if known.get(name, ("", 0))[0] != state
    )
    progress.of = len(changed)
    entries = Entries(database)
    database.execute("BEGIN IMMEDIATE")
    for name in known.keys() - present.keys():
        entries.remove_unit(known[name][1])
    uris = [store.join(root, name) for name in changed]
    committed = 0
    for name, commit in zip(changed, store.read_each(load_commit, uris), strict=True):
        if entries.written - committed >= _ROWS_TOGETHER:
            entries.commit()
            committed = entries.written
            database.execute("BEGIN IMMEDIATE")
        _bring(entries, root, name, commit, present[name])
        progress.done += 1
    if changed:  # in one with the last unit: who is stopped meanwhile does both again
        arrange(database)
    entries.commit()
    entries.erase_left_over()


def _bring(entries: Entries, root: str, name: str, commit: Commit, state: str) -> None:
    """Take in a unit; again by its present record if its files were merged or replaced meanwhile.

    Raises:
        InputError: A part file is missing.
    """
    for _ in range(_TRIES):
        try:
            return _take(entries, root, name, commit, state)
        except InputError:
            newer = load_commit(store.join(root, name))
            if newer.files == commit.files:
                raise
            commit = newer
    raise InputError(f"the part files of {name} are replaced again and again; search later")


def _take(entries: Entries, root: str, name: str, commit: Commit, state: str) -> None:
    identity = f"{commit.version}-{commit.run_id}"
    unit, held = entries.unit_of(name)
    if held != identity:  # a record whose files only have other names has the same rows
        entries.put_recordings(
            unit,
            [
                row
                for batch in _rows(root, commit, "recordings", RECORDING)
                for row in zip(*_values(batch, RECORDING), strict=True)
            ],
        )
        left = entries.segments_of(unit)
        for batch in _rows(root, commit, "segments", (*_SEGMENT, "words", *VOICE)):
            rows = zip(
                zip(*_values(batch, _SEGMENT), strict=True), _packed_words(batch), strict=True
            )
            numbers = [entries.put_segment(unit, (*row, words), row[-1]) for row, words in rows]
            left.difference_update(numbers)
            remove_voices(entries.database, numbers)
            for model_id, voices in voices_of(batch, numbers).items():
                put_voices(entries.database, model_id, voices)
        entries.remove_segments(left)
    entries.set_state(unit, state, identity)


def _rows(
    root: str, commit: Commit, table: Table, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Rows of a unit in a table, in those columns that its files have."""
    for name in commit.files_of(table):
        with opened_part(store.join(root, name)) as file:
            held = [each for each in columns if each in file.schema_arrow.names]
        sources = commit.sources if is_shared(name) else None
        yield from rows_of(root, name, sources, held)


def _values(batch: pa.RecordBatch, columns: Sequence[str]) -> list[list[Any]]:
    """Columns as lists; nulls where the file lacks one."""
    return [
        batch.column(name).to_pylist() if name in batch.schema.names else [None] * batch.num_rows
        for name in columns
    ]


def _packed_words(batch: pa.RecordBatch) -> Iterator[bytes | None]:
    """Places of the words of each row; None where the model gives no times."""
    words = batch.column("words")
    if words.null_count == batch.num_rows:
        yield from [None] * batch.num_rows
        return
    starts = batch.column("start_seconds").to_pylist()
    texts = batch.column("text").to_pylist()
    said = words.values.field("word").to_pylist()
    seconds = words.values.field("start_seconds").to_pylist()
    ends = words.offsets.to_pylist()
    for at, (start, text) in enumerate(zip(starts, texts, strict=True)):
        stretch = slice(ends[at], ends[at + 1])
        times = (None if each is None else each - start for each in seconds[stretch])
        yield pack(text, zip(said[stretch], times, strict=True)) if words[at].is_valid else None


def _state(file: StoredFile) -> str:
    return f"{file.size_in_bytes} {file.version}"
