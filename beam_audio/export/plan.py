"""Rows to items, and what becomes of every sample of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from beam_audio.export.item import ID_DIGITS, ExportItem, Piece
from beam_audio.export.muting import Muting
from beam_audio.export.pack import Stretch, packed
from beam_audio.quality.pii import find_pii, redact
from beam_audio.quality.recording_text import join_texts
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from beam_audio.export.choose import Chosen
    from beam_audio.export.options import ExportOptions
    from beam_audio.types import Row

EXPORTED: Final = "exported"
TOO_LONG: Final = "longer than --pack_seconds"
TOO_SHORT: Final = "shorter than --pack_seconds, and no neighbours to join"
_LICENCES: Final = ("licence", "license")

Samples = Counter[tuple[str, int]]
"""Samples of cores by what becomes of them and by their rate in Hz."""


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """Items that are written together.

    Attributes:
        folder: Where, relative to the export.
        items: The items, by recording and time.
    """

    folder: str
    items: tuple[ExportItem, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is exported of a group of units.

    Attributes:
        shards: Items by shard.
        left_out: Samples that are in no item, by why.
        cores: Samples of the cores of each segment, by its id.
    """

    shards: tuple[PlannedShard, ...]
    left_out: Samples
    cores: Mapping[str, int]


def plan(chosen: Chosen, options: ExportOptions, *, is_redacted: bool = False) -> Plan:
    """Decide what becomes of every segment.

    Args:
        chosen: The rows of a group of units.
        options: What is exported.
        is_redacted: Whether personal data is redacted in the output: then no item tells any.
    """
    muting = replace(Muting.of(chain(*chosen.segments.values())), is_redacted=is_redacted)
    by_folder: defaultdict[str, list[ExportItem]] = defaultdict(list)
    left_out, cores = Samples(), {}
    for recording_id, rows in sorted(chosen.segments.items()):
        recording = chosen.recordings[recording_id]
        rate_hz = recording["sample_rate_hz"]
        for row in rows:
            cores[row["segment_id"]] = _core_samples(row, rate_hz)
        why = {row["segment_id"]: _why_not(row, chosen, muting, options) for row in rows}
        wanted = [row for row in rows if why[row["segment_id"]] is None]
        items = list(_items(wanted, recording, muting, options))
        exported = {piece.segment_id for item in items for piece in item.pieces}
        for row in rows:
            if row["segment_id"] not in exported:
                reason = why[row["segment_id"]] or _unpacked(row, options)
                left_out[reason, rate_hz] += cores[row["segment_id"]]
        by_id = {row["segment_id"]: row for row in rows}
        for item in items:
            first = by_id[item.pieces[0].segment_id]
            value = value_of(first, options.split_by)
            kept_together = recording_id if value is None else str(value)
            by_folder[options.folder(kept_together, item.duration_seconds)].append(item)
    shards = [
        PlannedShard(folder, part)
        for folder, items in sorted(by_folder.items())
        for part in _parts(items, options.shard_seconds)
    ]
    return Plan(tuple(shards), left_out, cores)


def value_of(row: Row, name: str) -> object:
    """A column of a row, or else a key of its metadata; None if there is neither.

    A ``speaker`` that nobody states is the person that was heard in several recordings.
    """
    if (value := row.get(name)) is not None:
        return value
    stated = _metadata(row).get(name)
    return row.get("corpus_speaker") if stated is None and name == "speaker" else stated


def _metadata(row: Row) -> dict[str, object]:
    found: dict[str, object] = json.loads(row["metadata"])
    return found


def _core_samples(row: Row, rate_hz: int) -> int:
    start: int = round(row["core_start_seconds"] * rate_hz)
    end: int = round(row["core_end_seconds"] * rate_hz)
    return end - start


def _why_not(row: Row, chosen: Chosen, muting: Muting, options: ExportOptions) -> str | None:
    why = chosen.left_out.get(row["segment_id"]) or muting.why_not(row, is_stored=True)
    if why is not None:
        return why
    return None if _text(row, options) else f"no {options.text_column}"


def _text(row: Row, options: ExportOptions) -> str:
    """The text of a segment on one line; redacted where the segment is."""
    text = str(value_of(row, options.text_column) or "")
    if row.get("redactions") is not None:
        is_own = options.text_column == "text"
        text = (
            row["text_redacted"] if is_own else redact(text, find_pii(text, row["text_language"]))
        )
    return " ".join(text.split())


def _unpacked(row: Row, options: ExportOptions) -> str:
    _, longest = options.pack_seconds or (0.0, 0.0)
    is_long = row["end_seconds"] - row["start_seconds"] > longest
    return TOO_LONG if is_long else TOO_SHORT


def _items(
    rows: Sequence[Row], recording: Row, muting: Muting, options: ExportOptions
) -> Iterator[ExportItem]:
    """The items of a recording, in order of time."""
    rate_hz = recording["sample_rate_hz"]
    if options.pack_seconds is None:
        together = [(position, position + 1) for position in range(len(rows))]
    else:
        stretches = [
            Stretch(
                round(row["start_seconds"] * rate_hz),
                round(row["end_seconds"] * rate_hz),
                row["segment_index"],
                (_speaker(row), row["text_language"]),
            )
            for row in rows
        ]
        together = packed(stretches, rate_hz, options.pack_seconds)
    for first, last in together:
        yield _item(rows[first:last], recording, muting, options)


def _item(
    rows: Sequence[Row], recording: Row, muting: Muting, options: ExportOptions
) -> ExportItem:
    rate_hz = recording["sample_rate_hz"]
    pieces = tuple(
        Piece(
            row["segment_id"],
            round(row["start_seconds"] * rate_hz),
            round(row["end_seconds"] * rate_hz),
        )
        for row in rows
    )
    ids = [piece.segment_id for piece in pieces]
    language = rows[0]["text_language"]
    metadata = _metadata(rows[0])
    muted = tuple(
        (each["start_seconds"], each["end_seconds"])
        for each in muting.of_segment(rows[0] | {"end_seconds": rows[-1]["end_seconds"]})
    )
    licences = (metadata[each] for each in _LICENCES if each in metadata)
    return ExportItem(
        item_id=ids[0] if len(ids) == 1 else stable_id("packed", ids),
        recording_id=recording["recording_id"],
        uri=recording["uri"],
        text=join_texts([_text(row, options) for row in rows], language),
        language=language,
        speaker=_speaker(rows[0]),
        start_sample=pieces[0].start_sample,
        end_sample=pieces[-1].end_sample,
        sample_rate_hz=rate_hz,
        recording_seconds=recording["decoded_seconds"],
        channel=recording["channel"],
        words=_words(rows, muted, options),
        pieces=pieces,
        columns={name: value_of(rows[0], name) for name in options.columns},
        licence=next(map(str, licences), None),
        muted=muted,
        turns=tuple(turn for row in rows for turn in row.get("speaker_turns") or ()),
    )


def _words(
    rows: Sequence[Row], muted: Sequence[tuple[float, float]], options: ExportOptions
) -> tuple[Row, ...] | None:
    """The words that can be heard; those of another text than the model's have no times."""
    if options.text_column != "text" or any(row["words"] is None for row in rows):
        return None
    return tuple(
        word
        for row in rows
        for word in row["words"]
        if not any(
            word["start_seconds"] < end and start < word["end_seconds"] for start, end in muted
        )
    )


def _speaker(row: Row) -> str | None:
    """Who says it: whom somebody states, or who was found, in all recordings or in this one."""
    if (value := value_of(row, "speaker")) is not None:
        return str(value)
    label = row.get("speaker_label")  # of another person in each recording
    return label and f"{row['recording_id'][:ID_DIGITS]}_{label}"


def _parts(items: Sequence[ExportItem], seconds: float) -> Iterator[tuple[ExportItem, ...]]:
    """Items cut into shards of about so much audio."""
    part: list[ExportItem] = []
    filled = 0.0
    for item in items:
        part.append(item)
        filled += item.duration_seconds
        if filled >= seconds:
            yield tuple(part)
            part, filled = [], 0.0
    if part:
        yield tuple(part)
