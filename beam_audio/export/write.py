"""Writes an export: tasks, the audio that they play, and a note of it in the output."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from beam_audio import schema, store
from beam_audio.audio.encode import mute
from beam_audio.errors import ConfigError
from beam_audio.export.label_studio import COLUMNS, CONFIG, task
from beam_audio.export.muting import COLUMNS as MUTING_COLUMNS
from beam_audio.export.muting import Muting
from beam_audio.export.note import note_export, require_beside
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.parts import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.types import Decision, Row

TASKS: Final = "tasks.json"
INTERFACE: Final = "interface.xml"
_SERVED: Final = "/data/local-files/?d="
"""How Label Studio names a file below its LOCAL_FILES_DOCUMENT_ROOT."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        tasks: Number of tasks.
        clips: How many of them have stored audio beside them.
        muted: How many of these have silence in place of words.
        left_out: Segments whose audio cannot be given away, by why.
    """

    tasks: int
    clips: int
    muted: int
    left_out: Counter[str]


def export(root: str, target: str, decision: Decision) -> Exported:
    """Write the segments of a decision as tasks of Label Studio.

    Stored audio is written beside them; without it a task names the whole recording. What is
    redacted is muted, and redacted in the texts.

    Args:
        root: The output folder.
        target: The folder of the export; files of the same names there are replaced.
        decision: Which segments.

    Raises:
        ConfigError: The target is in the output, or no segment has this decision.
        StoreError: A file cannot be read or written.
    """
    require_beside(root, target)
    rows = _segments(root, decision)
    first = next(rows, None)
    if first is None:
        raise ConfigError(f"{root} has no segment with the decision {decision}")
    # The note comes first: who forgets a recording is told of an export that was not finished, too.
    note_export(root, target, "label-studio")
    muting = Muting.of(_all_segments(root, MUTING_COLUMNS))
    tasks, clips, muted, left_out = [], 0, 0, Counter[str]()
    for row in chain([first], rows):
        audio = row.pop(schema.AUDIO, None)
        if (why := muting.why_not(row, is_stored=audio is not None)) is not None:
            left_out[why] += 1
            continue
        where, stretches = row["uri"], muting.of_segment(row)
        if audio is not None:
            clip = f"audio/{audio['path']}"
            store.write_whole(target, clip, _without(stretches, audio["bytes"], row))
            where, clips, muted = _SERVED + quote(clip), clips + 1, muted + bool(stretches)
        tasks.append(json.dumps(task(row, where, stretches), ensure_ascii=False))
    store.write_whole(target, TASKS, ("[" + ",\n".join(tasks) + "]\n").encode())
    store.write_whole(target, INTERFACE, CONFIG.encode())
    return Exported(len(tasks), clips, muted, left_out)


def _without(stretches: Sequence[Row], encoded: bytes, row: Row) -> bytes:
    """The stored audio of a segment, with silence in place of stretches of its recording."""
    if not stretches:
        return encoded
    start = row["start_seconds"]
    times = [(each["start_seconds"] - start, each["end_seconds"] - start) for each in stretches]
    return mute(encoded, times, row["segment_id"])


def _segments(root: str, decision: Decision) -> Iterator[Row]:
    """Rows of segments with a decision."""
    rows = _all_segments(root, [*COLUMNS, schema.AUDIO])
    return (row for row in rows if row["decision"] == decision)


def _all_segments(root: str, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of segments in the order of their files, with those columns that the files have."""
    counted = Counted.of(read_commits(root))
    for name in counted.files_of("segments"):
        for rows in rows_of(root, name, counted.sources(name), columns):
            yield from rows.to_pylist()
