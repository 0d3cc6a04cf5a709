"""What a format does with the items of a shard."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from beam_audio.audio.encode import ClipCodec
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles
    from beam_audio.types import Row


class Shard(Protocol):
    """Writes one shard."""

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Add an item with its audio."""

    def close(self) -> None:
        """End the shard's files; no item comes after."""


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """A format with audio.

    Attributes:
        shard: Begins a shard in its files.
        codecs: Codecs of clips that its readers take, the default first.
        lists: First lines of the files that have the lines of all shards of a folder, by name.
        derived: Files that are made of the lines of such a file, by name: that file, and how.
        has_card: Whether the export has a dataset card of Hugging Face.
    """

    shard: Callable[[ShardFiles], Shard]
    codecs: tuple[ClipCodec, ...] = ("flac", "opus", "wav")
    lists: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, tuple[str, Callable[[Iterable[str]], Iterable[str]]]] = field(
        default_factory=dict
    )
    has_card: bool = False


@dataclass(frozen=True, slots=True)
class TextFormat:
    """A format without audio.

    Attributes:
        write: Writes items, by recording and in order of time; those of a recording are together.
    """

    write: Callable[[Sequence[ExportItem], ShardFiles], None]


Format = ClipFormat | TextFormat


def by_recording(items: Sequence[ExportItem]) -> Iterator[list[ExportItem]]:
    """The items of each recording."""
    for _, together in groupby(items, key=lambda item: item.recording_id):
        yield list(together)


def clip_name(item: ExportItem, clip: Clip) -> str:
    """The file of a clip: in a folder by the first digits of its id, as a folder has its limits."""
    return f"audio/{item.item_id[:2]}/{item.item_id}.{clip.suffix}"


def facts_of(item: ExportItem) -> Row:
    """What is told of an item beside its audio and text, for JSON."""
    return {
        "id": item.item_id,
        "recording_id": item.recording_id,
        "source": item.uri,
        "channel": item.channel,
        "start_seconds": item.start_seconds,
        "end_seconds": item.end_seconds,
        "language": item.language,
        "speaker": item.speaker,
        "segments": [piece.segment_id for piece in item.pieces],
        "words": item.words_in_clip,
        **item.columns,
    }


def as_json(value: object) -> str:
    """One line of JSON; dates and times as text."""
    return json.dumps(value, ensure_ascii=False, default=str)
