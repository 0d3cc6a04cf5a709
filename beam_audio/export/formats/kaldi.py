"""Kaldi: a data directory with one file an utterance, sorted as Kaldi wants it."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from beam_audio.export.formats.shard import clip_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles

LISTS: Final = ("wav.scp", "text", "utt2spk", "utt2dur", "utt2lang")
SPEAKERS: Final = "spk2utt"
SPEAKERS_OF: Final = "utt2spk"

_NO_NAME: Final = re.compile(r"[^\w.]+")


class KaldiShard:
    """Clips as files, and a line of each of the directory's lists."""

    def __init__(self, files: ShardFiles) -> None:
        self._files = files

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Write a clip and its lines.

        Utterances begin with their speaker, as sorting by either must give the same order.
        """
        name = clip_name(item, clip)
        self._files.write(name, clip.encoded)
        speaker = _NO_NAME.sub("_", item.speaker or item.recording_id)
        utterance = f"{speaker}-{item.item_id}"
        told = (
            self._files.path(name),
            item.text,
            speaker,
            f"{clip.duration_seconds:.6f}",
            item.language or "und",
        )
        for file, value in zip(LISTS, told, strict=True):
            self._files.lines[file].append(f"{utterance} {value}")

    def close(self) -> None:
        """There is nothing to end."""


def speakers(lines: Iterable[str]) -> Iterator[str]:
    """The lines of ``spk2utt`` from the sorted ones of ``utt2spk``."""
    pairs = (line.split(" ") for line in lines)
    for speaker, together in groupby(pairs, key=lambda pair: pair[1]):
        yield " ".join([speaker, *(utterance for utterance, _ in together)])
