"""Which inputs of an output are to be forgotten, and all by which they could be told."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from beam_audio.inputs.forgotten import Stretch, Tombstone
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.valid_rows import valid_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beam_audio.inputs.forgotten import Forgotten
    from beam_audio.types import Row

_HASHES: Final = ("content_sha256", "audio_sha256")
_TEXTS: Final = ("text", "text_all", "reference_text")
_ALIKE: Final = ("uri", "content_sha256")
_TAKING: Final = ["source_id", "recording_id", "uri", "metadata"]
_RECORDING_COLUMNS: Final = [
    *("recording_id", "source_id", "uri", "channel", "offset_seconds", "decoded_seconds"),
    *(*_HASHES, *_TEXTS),
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


def choose(root: str, counted: Counted, selector: Selector, known: Forgotten) -> Chosen:
    """Find the inputs that are meant, and those with the same content or at the same address.

    An input is forgotten as a whole: with one of its channels or tracks go the others. Memory grows
    with what is found, and not with the output.

    Args:
        root: The output folder.
        counted: What counts in it.
        selector: What is meant.
        known: The tombstones of the output, for their key.
    """
    recordings = partial(valid_rows, root, counted, "recordings")
    meant = {row["source_id"] for row in recordings(_TAKING) if selector.takes(row)}
    sources, by_source, stretches = _with_the_same(meant, recordings)
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
    if sources:
        columns = ["source_id", "uri", *_HASHES, *_TEXTS]
        others = (row for row in recordings(columns) if row["source_id"] not in sources)
        _keep_what_others_have(chosen, others)
    _add_failures(chosen, valid_rows(root, counted, "failures", _FAILURE_COLUMNS))
    _add_segments(chosen, root, _add_states(chosen, root, known))
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
    meant: set[str], recordings: Callable[[list[str]], Iterable[Row]]
) -> tuple[set[str], dict[str, list[Row]], dict[str, Stretch]]:
    """The inputs that are meant, and those of the same stretch of the same file or content.

    Returns:
        The inputs; and of those and all others of their files and contents, the rows and stretches.
    """
    found = meant
    by_source: dict[str, list[Row]] = {}
    while meant:
        rows_found = chain.from_iterable(by_source[name] for name in by_source.keys() & found)
        near = {row[column] for row in rows_found for column in _ALIKE}
        seen: defaultdict[str, list[Row]] = defaultdict(list)
        for row in recordings(_RECORDING_COLUMNS):
            if row["source_id"] in found or not near.isdisjoint(row[column] for column in _ALIKE):
                seen[row["source_id"]].append(row)
        by_source = dict(seen)
        stretches = {name: _stretch(rows) for name, rows in by_source.items()}
        same = _of_the_same_stretch(found, by_source, stretches)
        if near and same == found:
            return found, by_source, stretches
        found = same
    return set(), {}, {}


def _of_the_same_stretch(
    meant: set[str], by_source: Mapping[str, list[Row]], stretches: Mapping[str, Stretch]
) -> set[str]:
    groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for name, rows in by_source.items():
        for column in _ALIKE:
            groups[column, rows[0][column]].add(name)
    found, new = set(meant), list(meant)
    while new:
        name = new.pop()
        row = by_source[name][0]
        beside = set.union(*(groups[column, row[column]] for column in _ALIKE))
        same = {each for each in beside - found if stretches[each].is_same(stretches[name])}
        found |= same
        new += same
    return found


def _add_recordings(chosen: Chosen, rows: Sequence[Row]) -> None:
    for row in rows:
        chosen.recordings.add(row["recording_id"])
        hashes = filter(None, (row[column] for column in _HASHES))
        chosen.tokens.update([row["recording_id"], row["source_id"], *hashes])
        for column in _TEXTS:
            _add_text(chosen, row[column])
    first = min(rows, key=lambda row: row["channel"] or 0)
    chosen.decoded_seconds += first["decoded_seconds"]


def _keep_what_others_have(chosen: Chosen, others: Iterable[Row]) -> None:
    """Other cuts of a file have its address and its hash, and others may have said the same."""
    for row in others:
        chosen.addresses.discard(row["uri"])
        chosen.tokens.difference_update(row[column] for column in _HASHES)
        chosen.texts.difference_update(row[column] for column in _TEXTS)


def _add_failures(chosen: Chosen, rows: Iterable[Row]) -> None:
    """Inputs without a recording at the addresses, and what was put aside for any of them."""
    for row in rows:
        if row["uri"] in chosen.addresses:
            chosen.sources.add(row["source_id"])
            chosen.tokens.add(row["source_id"])
        if row["source_id"] in chosen.sources:
            chosen.tokens.update(filter(None, [row["segment_id"]]))
            chosen.payloads.update(filter(None, [row["payload_uri"]]))


def _add_states(chosen: Chosen, root: str, known: Forgotten) -> Counted:
    """What records tell: repeats of the recordings, and places; gives what counts in the units."""
    held, places = Counted(), set[str]()
    for commit in read_commits(root):
        gone = {
            name
            for name, state in commit.sources.items()
            if name in chosen.sources or not chosen.recordings.isdisjoint(state.recording_ids)
        }
        if gone:
            held.add(commit)
            chosen.sources |= gone
            chosen.tokens |= gone
            places |= {commit.sources[name].place_id for name in gone}
    for commit in read_commits(root) if places else ():
        places -= {
            state.place_id for name, state in commit.sources.items() if name not in chosen.sources
        }
    chosen.tokens |= places
    chosen.tombstones |= {Tombstone(known.mark("input", name)) for name in chosen.sources}
    return held


def _add_segments(chosen: Chosen, root: str, held: Counted) -> None:
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
