"""Coqui and Mozilla DeepSpeech: a CSV of WAV files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from beam_audio.export.formats.shard import clip_name

if TYPE_CHECKING:
    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles

TABLE: Final = "samples.csv"
HEADER: Final = "wav_filename,wav_filesize,transcript"


class CoquiShard:
    """Clips as files, and a line of the folder's table for each."""

    def __init__(self, files: ShardFiles) -> None:
        self._files = files

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Write a clip and its line."""
        name = clip_name(item, clip)
        self._files.write(name, clip.encoded)
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([name, len(clip.encoded), item.text])
        self._files.lines[TABLE].append(line.getvalue())

    def close(self) -> None:
        """There is nothing to end."""
