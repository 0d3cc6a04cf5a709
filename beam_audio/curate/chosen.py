"""Which inputs of an output are to be forgotten, and all by which they could be told."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beam_audio.inputs.forgotten import Stretch, Tombstone
from beam_audio.output.counted import Counted
from beam_audio.output.valid_rows import valid_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beam_audio.inputs.forgotten import Forgotten
    from beam_audio.output.commits import Commit
    from beam_audio.types import Row

_RECORDING_COLUMNS: Final = [
    *("recording_id", "source_id", "uri", "channel", "offset_seconds", "decoded_seconds"),
    *("content_sha256", "audio_sha256", "metadata", "text", "text_all", "reference_text"),
]
_FAILURE_COLUMNS: Final = ["source_id", "uri", "segment_id", "payload_uri"]
_TELLING_CHARACTERS: Final = 20
"""A shorter text, such as "thank you", may well be of somebody else."""


@dataclass(frozen=True, slots=True)
class Selector:
    """What a person names: one of the three.

    Attributes:
        recording: A recording id.
        uri: An address as in the rows.
        metadata: A key of the metadata and its value.
    """

    recording: str | None = None
    uri: str | None = None
    metadata: tuple[str, str] | None = None

    def takes(self, row: Row) -> bool:
        """Whether a row of ``recordings`` is meant."""
        if self.metadata is not None:
            key, value = self.metadata
            found: dict[str, Any] = json.loads(row["metadata"])
            return found.get(key) == value
        if self.uri is not None:
            return bool(row["uri"] == self.uri)
        return bool(row["recording_id"] == self.recording)


@dataclass(slots=True)
class Chosen:
    """What is to be forgotten.

    Attributes:
        sources: Inputs.
        recordings: Ids of their recordings.
        tokens: All hexadecimal names of them: ids, places, hashes of their content and sound.
        addresses: Their addresses, unless others have them, too.
        texts: Their texts, unless they are short or others have them, too.
        payloads: Addresses of messages and audio put aside for them.
        tombstones: What they are to be recognised by.
        segments: Number of their segments.
        decoded_seconds: Source seconds decoded of them, each counted once.
    """

    sources: set[str] = field(default_factory=set)
    recordings: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    payloads: set[str] = field(default_factory=set)
    tombstones: set[Tombstone] = field(default_factory=set)
    segments: int = 0
    decoded_seconds: float = 0.0


def choose(root: str, committed: Sequence[Commit], selector: Selector, known: Forgotten) -> Chosen:
    """Find the inputs that are meant, and those with the same content or at the same address.

    An input is forgotten as a whole: with one of its channels or tracks go the others.

    Args:
        root: The output folder.
        committed: Its commit records.
        selector: What is meant.
        known: The tombstones of the output, for their key.
    """
    counted = Counted.of(committed)
    by_source: defaultdict[str, list[Row]] = defaultdict(list)
    for row in valid_rows(root, counted, "recordings", _RECORDING_COLUMNS):
        by_source[row["source_id"]].append(row)
    stretches = {source_id: _stretch(rows) for source_id, rows in by_source.items()}
    meant = {name for name, rows in by_source.items() if any(map(selector.takes, rows))}
    sources = _with_the_same(meant, by_source, stretches)
    chosen = Chosen(sources=sources)
    for source_id in sources:
        rows = by_source[source_id]
        _add_recordings(chosen, rows)
        for kind, column in (("address", "uri"), ("content", "content_sha256")):
            mark = known.mark(kind, rows[0][column])  # type: ignore[arg-type] # of the literals above
            chosen.tombstones.add(Tombstone(mark, stretches[source_id]))
    chosen.addresses.update(row["uri"] for name in sources for row in by_source[name])
    if selector.uri is not None:
        chosen.addresses.add(selector.uri)
        chosen.tombstones.add(Tombstone(known.mark("address", selector.uri)))
    others = [row for name, rows in by_source.items() if name not in sources for row in rows]
    _keep_what_others_have(chosen, others)
    _add_failures(chosen, valid_rows(root, counted, "failures", _FAILURE_COLUMNS))
    _add_states(chosen, committed, known)
    _add_segments(chosen, root, committed)
    return chosen


def _stretch(rows: Sequence[Row]) -> Stretch:
    """The part of its file that an input is, as its recordings tell."""
    row = rows[0]
    channels = {each["channel"] for each in rows}
    channel = row["channel"] if len(channels) == 1 else None
    start = row["offset_seconds"]
    if start is None:
        return Stretch(channel=channel)
    return Stretch(start, start + row["decoded_seconds"], channel)


def _with_the_same(
    meant: set[str], by_source: Mapping[str, list[Row]], stretches: Mapping[str, Stretch]
) -> set[str]:
    """The inputs that are meant, and those of the same stretch of the same file or content."""
    groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for name, rows in by_source.items():
        for column in ("uri", "content_sha256"):
            groups[column, rows[0][column]].add(name)
    found, new = set(meant), list(meant)
    while new:
        name = new.pop()
        row = by_source[name][0]
        beside = set.union(*(groups[column, row[column]] for column in ("uri", "content_sha256")))
        same = {each for each in beside - found if stretches[each].is_same(stretches[name])}
        found |= same
        new += same
    return found


def _add_recordings(chosen: Chosen, rows: Sequence[Row]) -> None:
    for row in rows:
        chosen.recordings.add(row["recording_id"])
        hashes = (row["content_sha256"], row["audio_sha256"])
        chosen.tokens.update([row["recording_id"], row["source_id"], *filter(None, hashes)])
        for column in ("text", "text_all", "reference_text"):
            _add_text(chosen, row[column])
    first = min(rows, key=lambda row: row["channel"] or 0)
    chosen.decoded_seconds += first["decoded_seconds"]


def _keep_what_others_have(chosen: Chosen, others: Iterable[Row]) -> None:
    """Other cuts of a file have its address and its hash, and others may have said the same."""
    for row in others:
        chosen.addresses.discard(row["uri"])
        chosen.tokens -= {row["content_sha256"], row["audio_sha256"]}
        chosen.texts -= {row["text"], row["text_all"], row["reference_text"]}


def _add_failures(chosen: Chosen, rows: Iterable[Row]) -> None:
    """Inputs without a recording at the addresses, and what was put aside for any of them."""
    for row in rows:
        if row["uri"] in chosen.addresses:
            chosen.sources.add(row["source_id"])
            chosen.tokens.add(row["source_id"])
        if row["source_id"] in chosen.sources:
            chosen.tokens.update(filter(None, [row["segment_id"]]))
            chosen.payloads.update(filter(None, [row["payload_uri"]]))


def _add_states(chosen: Chosen, committed: Sequence[Commit], known: Forgotten) -> None:
    """What records tell: repeats of the recordings, and places."""
    states = [(name, state) for commit in committed for name, state in commit.sources.items()]
    for name, state in states:
        if not chosen.recordings.isdisjoint(state.recording_ids):
            chosen.sources.add(name)
            chosen.tokens.add(name)
    places = {state.place_id for name, state in states if name in chosen.sources}
    kept = {state.place_id for name, state in states if name not in chosen.sources}
    chosen.tokens |= places - kept
    chosen.tombstones |= {Tombstone(known.mark("input", name)) for name in chosen.sources}


def _add_segments(chosen: Chosen, root: str, committed: Sequence[Commit]) -> None:
    units = (commit for commit in committed if not chosen.sources.isdisjoint(commit.sources))
    held = Counted.of(units)
    columns = ["source_id", "segment_id", "text", "reference_text"]
    for row in valid_rows(root, held, "segments", columns):
        if row["source_id"] in chosen.sources:
            chosen.segments += 1
            chosen.tokens.add(row["segment_id"])
            _add_text(chosen, row["text"])
            _add_text(chosen, row["reference_text"])


def _add_text(chosen: Chosen, text: str | None) -> None:
    if text and len(text) >= _TELLING_CHARACTERS:
        chosen.texts.add(text)
