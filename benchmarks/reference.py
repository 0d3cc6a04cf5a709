"""What the benchmarks share: the audio, its errors against references, and a peer's weights."""

from __future__ import annotations

import contextlib
import itertools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import jiwer
import soundfile
from whisper_normalizer.english import EnglishTextNormalizer

from beam_audio.audio.decode import decode, resample
from beam_audio.models.card import load_card
from beam_audio.models.weight_files import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

RATE_HZ = 16000
WINDOW_SAMPLES = 30 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Clip:
    """A line of the manifest and its audio: float32 of shape (n,) at 16 kHz."""

    name: str
    language: str
    text: str | None
    samples: NDArray[np.float32]

    def windows(self) -> list[NDArray[np.float32]]:
        """The audio cut every 30 s."""
        starts = range(0, max(len(self.samples), 1), WINDOW_SAMPLES)
        return [self.samples[start : start + WINDOW_SAMPLES] for start in starts]


def read_clips(data: Path, wanted: Callable[[dict[str, Any]], bool]) -> list[Clip]:
    """Decode the manifest lines that are wanted."""
    lines = (data / "manifest.jsonl").read_text("utf-8").splitlines()
    entries = [entry for entry in map(json.loads, lines) if wanted(entry)]
    return [
        Clip(
            name=entry["audio_filepath"],
            language=entry["lang"],
            text=entry.get("text"),
            samples=_samples(data / entry["audio_filepath"]),
        )
        for entry in entries
    ]


def _samples(path: Path) -> NDArray[np.float32]:
    audio = decode(path)
    return resample(audio.samples, audio.sample_rate_hz, RATE_HZ)


def join_clips(clips: list[Path], seconds: float, target: Path) -> None:
    """Write clips one after the other as FLAC, repeated until a number of seconds is reached."""
    rate_hz = soundfile.info(clips[0]).samplerate
    with soundfile.SoundFile(target, "w", rate_hz, 1, format="FLAC") as joined:
        for clip in itertools.cycle(clips):
            samples, _ = soundfile.read(clip, dtype="float32")
            joined.write(samples)
            if joined.frames >= seconds * rate_hz:
                return


class Spoken(Protocol):
    """Audio that may have a reference."""

    @property
    def text(self) -> str | None:
        """What is said."""


def word_errors(clips: Sequence[Spoken], texts: list[str]) -> tuple[int, int]:
    """Errors and reference words over all clips, after Whisper's English normaliser."""
    normalize = EnglishTextNormalizer()
    references = [normalize(clip.text or "") for clip in clips]
    result = jiwer.process_words(references, [normalize(text) for text in texts])
    errors = result.substitutions + result.deletions + result.insertions
    return errors, result.hits + result.substitutions + result.deletions


@contextlib.contextmanager
def ctranslate2_directory(model: str) -> Iterator[Path]:
    """A directory with a card's verified files, as ctranslate2 and faster-whisper want them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, path in gather(load_card(model), directory).items():
            if path.parent != directory:
                (directory / file).symlink_to(path)
        vocabulary = whisper_vocabulary(directory / "tokenizer.json")
        (directory / "vocabulary.json").write_text(json.dumps(vocabulary), "utf-8")
        yield directory


def whisper_vocabulary(tokenizer: Path) -> list[str]:
    """All tokens by id; the timestamps, every 0.02 s to 30 s, follow those of the tokenizer."""
    content = json.loads(tokenizer.read_text("utf-8"))
    ids = dict(content["model"]["vocab"])
    ids |= {entry["content"]: entry["id"] for entry in content["added_tokens"]}
    timestamps = [f"<|{tick * 0.02:.2f}|>" for tick in range(1501)]
    return [*sorted(ids, key=lambda token: int(ids[token])), *timestamps]


def markdown_table(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A table in markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
