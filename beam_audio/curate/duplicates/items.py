"""Items of a committed unit, read from its rows; no audio is opened."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from beam_audio.curate.duplicates.places import Item, Level, Place, Source, Stretch
from beam_audio.curate.duplicates.sound import timeline
from beam_audio.curate.duplicates.words import text_print
from beam_audio.output.parts import opened_part, rows_of
from beam_audio.store import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table
    from beam_audio.types import Row

LOSSLESS_CODECS: Final = ("pcm", "flac", "alac", "wavpack", "float", "double")
"""How the names of codecs begin that keep every sample."""

_RECORDINGS: Final = (
    *("recording_id", "uri", "channel", "track", "content_sha256", "audio_sha256"),
    *("offset_seconds", "decoded_seconds", "codec", "sample_rate_hz", "reference_text"),
)
_SEGMENTS: Final = (
    *("segment_id", "recording_id", "start_seconds", "end_seconds"),
    *("text", "reference_text", "fingerprint", "metadata"),
)


def items_of(root: str, commit: Commit, *, is_test: bool = False) -> dict[Level, list[Item]]:
    """What the rows of a unit are compared by, on every level.

    Args:
        root: The output folder.
        commit: The unit's record.
        is_test: Whether they are a test set, which others are compared with.

    Raises:
        StoreError: A part file cannot be read.
    """
    unit_id = "" if is_test else commit.unit_id
    segments: defaultdict[str, list[Row]] = defaultdict(list)
    for row in _rows(root, commit, "segments", _SEGMENTS):
        segments[row["recording_id"]].append(row)
    items: dict[Level, list[Item]] = {"bytes": [], "samples": [], "sound": [], "text": []}
    for row in _rows(root, commit, "recordings", _RECORDINGS):
        parts = sorted(segments[row["recording_id"]], key=lambda part: part["start_seconds"])
        source = _source(row, parts)
        whole = Place(row["recording_id"], "recordings", source, unit_id)
        for level, print_ in _exact_prints(row):
            items[level].append(Item(whole, print_.encode()))
        heard = ((part["start_seconds"], part["fingerprint"]) for part in parts)
        if line := timeline((start, stored) for start, stored in heard if stored):
            items["sound"].append(Item(whole, line))
        for part in parts:
            if words := text_print([part["text"], part["reference_text"]]):
                items["text"].append(Item(_segment(part, source, unit_id), words))
    return items


def _exact_prints(row: Row) -> Iterator[tuple[Level, str]]:
    """What recordings of the same bytes, and of the same samples, have in common."""
    cut = [row["channel"], row["track"], row["offset_seconds"], row["decoded_seconds"]]
    yield "bytes", json.dumps([row["content_sha256"], *cut])
    if row["decoded_seconds"]:
        yield "samples", json.dumps([row["audio_sha256"], row["sample_rate_hz"]])


def _source(row: Row, segments: Sequence[Row]) -> Source:
    return Source(
        recording_id=row["recording_id"],
        uri=row["uri"],
        decoded_seconds=row["decoded_seconds"],
        segments=tuple((part["segment_id"], _stretch(part)) for part in segments),
        sample_rate_hz=row["sample_rate_hz"],
        is_lossless=row["codec"].lower().startswith(LOSSLESS_CODECS),
        has_reference=row["reference_text"] is not None,
    )


def _segment(row: Row, source: Source, unit_id: str) -> Place:
    speaker = json.loads(row["metadata"]).get("speaker")
    return Place(row["segment_id"], "segments", source, unit_id, _stretch(row), speaker)


def _stretch(row: Row) -> Stretch:
    return Stretch(row["start_seconds"], row["end_seconds"])


def _rows(root: str, commit: Commit, table: Table, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a unit; columns that its files lack are null."""
    for name in commit.files_of(table):
        with opened_part(join(root, name)) as file:
            held = [each for each in columns if each in file.schema_arrow.names]
        nothing: dict[str, Any] = dict.fromkeys(columns)
        for batch in rows_of(root, name, commit.sources, held):
            for row in batch.to_pylist():
                yield nothing | row
