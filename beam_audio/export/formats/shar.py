"""Lhotse Shar: cuts in JSON lines, and their recordings in a tar file in the same order."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

from beam_audio.export.formats.shard import as_json, facts_of
from beam_audio.export.formats.tar import Tar
from beam_audio.export.shard_files import SHARD

if TYPE_CHECKING:
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles
    from beam_audio.types import Row

_TOLD_ELSEWHERE: Final = ("id", "language", "speaker", "words")


class SharShard:
    """A cut and a recording for each item; readers pair shards by the order of their names."""

    def __init__(self, files: ShardFiles) -> None:
        self._recordings = Tar(files.create(f"recording.{SHARD}.tar"))
        self._file = files.create(f"cuts.{SHARD}.jsonl.gz")
        self._cuts = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Add a cut, and its audio with what describes it."""
        recording = _recording(item, clip)
        self._recordings.add(f"{item.item_id}.{clip.suffix}", clip.encoded)
        self._recordings.add(f"{item.item_id}.json", as_json(recording).encode())
        self._cuts.write(f"{as_json(_cut(item, clip, recording))}\n".encode())

    def close(self) -> None:
        """End both files."""
        self._recordings.close()
        self._cuts.close()
        self._file.close()


def _recording(item: ExportItem, clip: Clip) -> Row:
    """A recording whose audio stands before it in the tar file."""
    return {
        "id": item.item_id,
        "sources": [{"type": "shar", "channels": [0], "source": ""}],
        "sampling_rate": clip.sample_rate_hz,
        "num_samples": clip.samples,
        "duration": clip.duration_seconds,
        "channel_ids": [0],
    }


def _cut(item: ExportItem, clip: Clip, recording: Row) -> Row:
    custom = {name: value for name, value in facts_of(item).items() if name not in _TOLD_ELSEWHERE}
    supervision = {
        "id": item.item_id,
        "recording_id": item.item_id,
        "start": 0.0,
        "duration": clip.duration_seconds,
        "channel": 0,
        "text": item.text,
        "language": item.language,
        "speaker": item.speaker,
        "alignment": {"word": _alignment(item)} if item.words else None,
    }
    return {
        "id": item.item_id,
        "start": 0.0,
        "duration": clip.duration_seconds,
        "channel": 0,
        "supervisions": [{name: value for name, value in supervision.items() if value is not None}],
        "recording": recording,
        "custom": custom,
        "type": "MonoCut",
    }


def _alignment(item: ExportItem) -> list[list[object]]:
    """Words as symbol, start, duration and score."""
    return [
        [
            word["word"],
            word["start_seconds"],
            round(word["end_seconds"] - word["start_seconds"], 3),
            word["probability"],
        ]
        for word in item.words_in_clip or ()
    ]
