"""Corrections of a file are taken into an output: those that are about its recordings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio import store
from beam_audio.curate.correction_entries import Entry, LeftOut, Refused, read_entries
from beam_audio.errors import ConfigError, InputError
from beam_audio.output.commits import read_commits
from beam_audio.output.corrections import Correction, read_corrections, write_corrections
from beam_audio.output.counted import Counted
from beam_audio.output.parts import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beam_audio.types import Row

_MOST_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file of corrections.

    Attributes:
        entries: Corrections that were taken, those known before included.
        files: Recordings of which something is new.
        left_out: Tasks and annotations that hold no correction, by why.
        refused: Entries that could not be taken.
    """

    entries: int
    files: int
    left_out: Counter[str]
    refused: tuple[Refused, ...]


def take_corrections(root: str, uri: str) -> Taken:
    """Keep what a file of corrections says about the recordings of an output.

    Taking the same file again changes nothing. The caller holds the output.

    Args:
        root: The output folder.
        uri: The file.

    Raises:
        ConfigError: The file cannot be read, is too large, or is no JSON as a whole.
        StoreError: The output cannot be read or written.
    """
    try:
        found = list(read_entries(_content(uri)))
    except (ConfigError, InputError) as error:
        raise ConfigError(f"--corrections={uri}: {error}") from error
    entries = [each for each in found if isinstance(each, Entry)]
    resolved = list(_resolved(root, entries))
    corrections = [each for each in resolved if isinstance(each, Correction)]
    files = write_corrections(root, read_corrections(root), corrections)
    return Taken(
        entries=len(corrections),
        files=files,
        left_out=Counter(each.why for each in found if isinstance(each, LeftOut)),
        refused=tuple(each for each in (*found, *resolved) if isinstance(each, Refused)),
    )


def _content(uri: str) -> bytes:
    with store.open_to_read(uri) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ConfigError("it has more than 1 GiB; export it in parts")
    return content


def _resolved(root: str, entries: Sequence[Entry]) -> Iterator[Correction | Refused]:
    """Corrections with recording and times, of those entries that are about this output."""
    named = {each.segment_id for each in entries if each.segment_id and _lacks_place(each)}
    stated = {each.recording_id for each in entries if each.recording_id is not None}
    known, counted = set[str](), Counted()
    for commit in read_commits(root):
        counted.add(commit)
        recorded = (each for each in commit.sources.values() if each.outcome == "recorded")
        known |= stated.intersection(chain.from_iterable(each.recording_ids for each in recorded))
    segments = _segments(root, counted, named) if named else {}
    for each in entries:
        recording_id, times = each.recording_id, each.times
        if _lacks_place(each):
            row = segments.get(each.segment_id or "")
            if row is None:
                yield Refused(each.where, f"no segment {each.segment_id} is in this output")
                continue
            if recording_id not in {None, row["recording_id"]}:
                yield Refused(each.where, f"segment {each.segment_id} is of another recording")
                continue
            recording_id, times = row["recording_id"], (row["start_seconds"], row["end_seconds"])
        elif recording_id not in known:
            yield Refused(each.where, f"no recording {recording_id} is in this output")
            continue
        assert recording_id is not None and times is not None  # noqa: S101, PT018 - for mypy
        yield Correction(
            recording_id,
            *times,
            text=each.text,
            verdict=each.verdict,
            corrected_by=each.corrected_by,
            corrected_at=each.corrected_at,
        )


def _lacks_place(entry: Entry) -> bool:
    return entry.recording_id is None or entry.times is None


def _segments(root: str, counted: Counted, ids: set[str]) -> Mapping[str, Row]:
    """Recording and times of segments, by id."""
    columns = ["segment_id", "recording_id", "start_seconds", "end_seconds"]
    wanted = pa.array(sorted(ids))
    found: dict[str, Row] = {}
    for name in counted.files_of("segments"):
        for rows in rows_of(root, name, counted.sources(name), columns):
            mask = pc.is_in(rows.column("segment_id"), wanted)
            found.update({row["segment_id"]: row for row in rows.filter(mask).to_pylist()})
    return found
