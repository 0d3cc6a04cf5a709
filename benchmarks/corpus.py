"""Audio the throughput benchmarks run on: clips, and a long recording joined from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from reference import RATE_HZ, read_clips

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WINDOW_SECONDS = 30.0
SHORTEST_JOINED_SECONDS = 2.0
PAUSE_SECONDS = 0.5
LONG_NAME = "joined.flac"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recording: the file, its reference, and, where a tool takes samples, what is in it.

    ``samples`` are float32 of shape (n,) at 16 kHz.
    """

    path: str
    text: str
    seconds: float
    samples: NDArray[np.float32] = field(repr=False)

    @property
    def is_joined(self) -> bool:
        """Whether this is the long recording."""
        return self.path.endswith(LONG_NAME)


def is_english_with_reference(entry: dict[str, Any]) -> bool:
    """English speech with a reference; ``formats`` is one passage many times over."""
    return bool(
        entry["kind"] == "speech"
        and entry.get("lang") == "en"
        and entry.get("text")
        and entry["decode_ok"]
        and not entry["audio_filepath"].startswith("formats/")
    )


def english_recordings(
    data: Path, folder: Path, *, every: int = 1, joined_every: int = 1
) -> list[Recording]:
    """The English clips with references, and one long recording of those from 2 s on.

    Args:
        data: The shared audio.
        folder: Where the long recording is written.
        every: Take one clip in this many.
        joined_every: The same for the clips that the long recording is joined from.

    Returns:
        The long recording first.
    """
    clips = [
        Recording(
            path=str((data / clip.name).resolve()),
            text=clip.text or "",
            seconds=len(clip.samples) / RATE_HZ,
            samples=clip.samples,
        )
        for clip in read_clips(data, is_english_with_reference)
    ]
    return [_joined(clips[::joined_every], folder / LONG_NAME), *clips[::every]]


def _joined(clips: list[Recording], target: Path) -> Recording:
    parts = [clip for clip in clips if clip.seconds >= SHORTEST_JOINED_SECONDS]
    pause = np.zeros(round(PAUSE_SECONDS * RATE_HZ), np.float32)
    samples = np.concatenate([piece for clip in parts for piece in (clip.samples, pause)])
    soundfile.write(target, samples, RATE_HZ, subtype="PCM_16")
    # Read again, so that every tool hears the very samples of the file.
    heard, _ = soundfile.read(target, dtype="float32")
    text = " ".join(clip.text for clip in parts)
    return Recording(str(target), text, len(heard) / RATE_HZ, heard)


def write_manifest(recordings: list[Recording], target: Path) -> None:
    """Write what ``beam-audio run --manifest`` reads."""
    lines = [json.dumps({"audio_filepath": recording.path}) for recording in recordings]
    target.write_text("\n".join(lines) + "\n", "utf-8")


def balanced(costs: list[float], parts: int) -> list[list[int]]:
    """Indexes of the costs, spread over parts: the largest first, each to the lightest part."""
    shares: list[list[int]] = [[] for _ in range(parts)]
    loads = [0.0] * parts
    for place in sorted(range(len(costs)), key=lambda place: -costs[place]):
        lightest = loads.index(min(loads))
        shares[lightest].append(place)
        loads[lightest] += costs[place]
    return shares


def long_and_short(recordings: list[Recording]) -> tuple[list[int], list[int]]:
    """Places of the recordings above one window, and of the others; both longest first."""
    places = sorted(range(len(recordings)), key=lambda place: -recordings[place].seconds)
    long = [place for place in places if recordings[place].seconds > WINDOW_SECONDS]
    return long, places[len(long) :]
