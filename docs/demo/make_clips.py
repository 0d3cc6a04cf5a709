"""Make the three demo clips and their manifest: ``python docs/demo/make_clips.py``.

Needs espeak-ng (Debian: apt-get install espeak-ng) beside the project's own environment. The
sentences were written for this project; text and sound are in the public domain (CC0 1.0). With
espeak-ng 1.51 and the locked environment, the same bytes come out every time.
"""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEMO = Path(__file__).resolve().parents[2] / "beam_audio" / "data" / "demo"
PEAK = 0.5
EVENT_TIME = "2026-01-05T09:00:00Z"


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: sentences with silences between them, and how they are encoded."""

    name: str
    sentences: tuple[str, ...]
    voice: str
    words_per_minute: int
    pause_seconds: float
    sample_rate_hz: int
    channels: int
    container: str
    codec: str


CLIPS = (
    Clip(
        name="greenhouse.flac",
        sentences=("Please water the tomatoes and close the greenhouse door at night.",),
        voice="en-gb",
        words_per_minute=140,
        pause_seconds=0.0,
        sample_rate_hz=16_000,
        channels=1,
        container="FLAC",
        codec="PCM_16",
    ),
    # The long silence is there for the voice activity detector to find.
    Clip(
        name="lake.mp3",
        sentences=(
            "It was dark when we came home, and the street was quiet.",
            "Two boats crossed the lake while the children waited on the shore.",
        ),
        voice="en-gb",
        words_per_minute=140,
        pause_seconds=4.0,
        sample_rate_hz=22_050,
        channels=2,
        container="MP3",
        codec="MPEG_LAYER_III",
    ),
    Clip(
        name="river.wav",
        sentences=("When the rain stopped, we walked home along the river.",),
        voice="en-gb",
        words_per_minute=140,
        pause_seconds=0.0,
        sample_rate_hz=8_000,
        channels=1,
        container="WAV",
        codec="ULAW",
    ),
)


def speak(sentence: str, clip: Clip) -> NDArray[np.float32]:
    """Synthesise a sentence as float32 of shape (n,) at the clip's rate, peak at ``PEAK``."""
    command = [
        "espeak-ng",
        "-v",
        clip.voice,
        "-s",
        str(clip.words_per_minute),
        "--stdout",
        sentence,
    ]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    samples, sample_rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    resampled = soxr.resample(samples, sample_rate_hz, clip.sample_rate_hz)
    return np.asarray(resampled * (PEAK / np.abs(resampled).max()), dtype=np.float32)


def write(clip: Clip) -> None:
    """Write one clip, all channels alike, into the demo folder."""
    pause = np.zeros(round(clip.pause_seconds * clip.sample_rate_hz), dtype=np.float32)
    parts = [speak(clip.sentences[0], clip)]
    for sentence in clip.sentences[1:]:
        parts += [pause, speak(sentence, clip)]
    samples = np.repeat(np.concatenate(parts)[:, np.newaxis], clip.channels, axis=1)
    soundfile.write(
        DEMO / clip.name,
        samples,
        clip.sample_rate_hz,
        format=clip.container,
        subtype=clip.codec,
    )


def main() -> None:
    """Write all clips and the manifest beside them."""
    DEMO.mkdir(parents=True, exist_ok=True)
    for clip in CLIPS:
        write(clip)
    lines = [
        {
            "audio_filepath": clip.name,
            "text": " ".join(clip.sentences),
            "lang": "en",
            "event_time": EVENT_TIME,
            "licence": "CC0-1.0",
        }
        for clip in CLIPS
    ]
    manifest = "".join(json.dumps(line) + "\n" for line in lines)
    (DEMO / "manifest.jsonl").write_text(manifest, encoding="utf-8")


if __name__ == "__main__":
    main()
