"""NeMo: manifests, with clips as files or in tar files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.export.formats.shard import as_json, clip_name, facts_of
from beam_audio.export.formats.tar import Tar
from beam_audio.export.shard_files import SHARD_NUMBER

if TYPE_CHECKING:
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles
    from beam_audio.types import Row

MANIFEST: Final = "manifest.jsonl"


class NemoShard:
    """Clips as files, and a line of the folder's manifest for each."""

    def __init__(self, files: ShardFiles) -> None:
        self._files = files

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Write a clip and its line; NeMo finds the clip from the manifest's own folder."""
        name = clip_name(item, clip)
        self._files.write(name, clip.encoded)
        self._files.lines[MANIFEST].append(as_json(_line(name, item, clip)))

    def close(self) -> None:
        """There is nothing to end."""


class NemoTarredShard:
    """Clips in one tar file, and a manifest of it; both have the number of the shard."""

    def __init__(self, files: ShardFiles) -> None:
        self._files = files
        self._tar = Tar(files.create(f"audio_{SHARD_NUMBER}.tar"))
        self._lines: list[Row] = []

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Add a clip and its line, in the same order."""
        name = f"{item.item_id}.{clip.suffix}"
        self._tar.add(name, clip.encoded)
        self._lines.append(_line(name, item, clip))

    def close(self) -> None:
        """End the tar file and write the manifest."""
        self._tar.close()
        number = self._files.shard_number
        with self._files.create(f"manifest_{SHARD_NUMBER}.json") as file:
            for line in self._lines:
                file.write(f"{as_json(line | {'shard_id': number})}\n".encode())


def _line(name: str, item: ExportItem, clip: Clip) -> Row:
    told = facts_of(item)
    return {
        "audio_filepath": name,
        "duration": clip.duration_seconds,
        "text": item.text,
        "lang": told.pop("language"),
        "sampling_rate": clip.sample_rate_hz,
        **told,
    }
