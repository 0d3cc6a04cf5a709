"""WebDataset: tar files in which the members of an example share their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.export.formats.shard import as_json, facts_of
from beam_audio.export.formats.tar import Tar
from beam_audio.export.shard_files import SHARD

if TYPE_CHECKING:
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles


class WebDatasetShard:
    """Audio, text and facts of each item, one after the other."""

    def __init__(self, files: ShardFiles) -> None:
        self._tar = Tar(files.create(f"{SHARD}.tar"))

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Add an example."""
        facts = {"text": item.text, "duration": clip.duration_seconds, **facts_of(item)}
        self._tar.add(f"{item.item_id}.{clip.suffix}", clip.encoded)
        self._tar.add(f"{item.item_id}.json", as_json(facts).encode())
        self._tar.add(f"{item.item_id}.txt", item.text.encode())

    def close(self) -> None:
        """End the tar file."""
        self._tar.close()
