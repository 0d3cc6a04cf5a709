"""An input that is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.inputs.forgotten import Forgotten, Stretch, Tombstone
from beam_audio.inputs.tombstones import begin_forgetting, read_forgotten, write_tombstones
from beam_audio.types import AudioRef

if TYPE_CHECKING:
    from pathlib import Path

SPEAKER = AudioRef("/calls/anna.wav", 10)
SHA = "ab" * 32


def forget(root: Path, ref: AudioRef = SPEAKER, content: str = SHA) -> Forgotten:
    known, stretch = begin_forgetting(str(root)), Stretch.of(ref)
    marks = [known.mark("address", ref.uri), known.mark("content", content)]
    write_tombstones(
        str(root),
        [*(Tombstone(mark, stretch) for mark in marks), known.tombstones_of(ref)[1]],
    )
    return read_forgotten(str(root))
