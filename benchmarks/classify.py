"""How well classifiers tell speech, music and other sounds apart, and how fast, in one table.

Windows of 1.95 s are cut from the shared files (silence counts as other), and whole files of speech
are heard for 10 s. Made clips are music-like sounds, noises, and speech mixed with both at 20 to
0 dB; the borders in beam_audio/classifiers/sounds.py were set on other ones (numbers 0 and 1).

    python benchmarks/classify.py --data ../shared/data --models ../shared/models
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from nonspeech_signals import RATE_HZ, signals
from reference import markdown_table

from beam_audio.audio.decode import decode, resample
from beam_audio.classifiers.load import load_classifier
from beam_audio.classifiers.sounds import sort_of
from beam_audio.unit.classification import hear_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from beam_audio.classifiers.sounds import Sort, SoundModel

    Samples = NDArray[np.float32]

MODELS: Final = {
    "YAMNet": ("yamnet_521.onnx", "yamnet_521_labels.txt"),
    "FireRedVAD": ("fireredvad_aed.onnx", "fireredvad_cmvn.ark"),
}
SORTS: Final[dict[str, Sort]] = {
    "speech": "speech",
    "music": "music",
    "noise": "other",
    "silence": "other",
}
MADE_MUSIC: Final = {"drums", "plucked", "organ", "lead", "band"}
FIRST_NUMBER: Final = 2
"""Made signals below this were looked at when the borders were set."""
MIXED_DB: Final = (20.0, 15.0, 10.0, 5.0, 0.0)
WINDOW_SAMPLES: Final = 31_200
HOP_SAMPLES: Final = 12_000
LONGEST_SAMPLES: Final = 10 * RATE_HZ
MADE_OF_A_KIND: Final = 50
MIXED: Final = 100
SPEECH_WINDOWS: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip at 16 kHz, what it is, and the set that it is in."""

    group: str
    sort: Sort
    samples: Samples


def shared_clips(data: Path) -> Iterator[Clip]:
    """Windows of each sort, and whole files of speech."""
    speech = []
    for line in (data / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        if entry["kind"] in SORTS and entry["decode_ok"]:
            samples = signal(data / entry["audio_filepath"])
            if entry["kind"] == "speech":
                yield Clip("speech files", "speech", samples[:LONGEST_SAMPLES])
                speech.append(samples)
            else:
                sort = SORTS[entry["kind"]]
                yield from (Clip(f"windows of {sort}", sort, each) for each in windows(samples))
    long_enough = [each for each in speech if len(each) >= WINDOW_SAMPLES]
    for samples in long_enough[:: max(1, len(long_enough) // SPEECH_WINDOWS)]:
        start = (len(samples) - WINDOW_SAMPLES) // 2
        window = samples[start : start + WINDOW_SAMPLES]
        yield Clip("windows of speech", "speech", window)


def signal(path: Path) -> Samples:
    """A file's samples at 16 kHz."""
    audio = decode(path)
    return resample(audio.samples, audio.sample_rate_hz, RATE_HZ)


def windows(samples: Samples) -> Iterator[Samples]:
    """Windows of 1.95 s, one every 0.75 s."""
    for start in range(0, len(samples) - WINDOW_SAMPLES + 1, HOP_SAMPLES):
        yield samples[start : start + WINDOW_SAMPLES]


def made_clips(speech: Iterable[Samples]) -> Iterator[Clip]:
    """Two hundred clips that nobody recorded."""
    found: defaultdict[Sort, list[Samples]] = defaultdict(list)
    for kind, number, samples in signals(14):
        if number >= FIRST_NUMBER:
            sort: Sort = "music" if kind in MADE_MUSIC else "other"
            found[sort].append(samples[:LONGEST_SAMPLES])
    for sort in ("music", "other"):
        step = len(found[sort]) / MADE_OF_A_KIND
        chosen = [found[sort][int(place * step)] for place in range(MADE_OF_A_KIND)]
        yield from (Clip(f"made {sort}", sort, each) for each in chosen)
    others = [each for pair in zip(found["music"], found["other"], strict=False) for each in pair]
    voices, sounds, levels = cycle(speech), cycle(others), cycle(MIXED_DB)
    mixed = (
        Clip("made speech, mixed", "speech", mix(voice[:LONGEST_SAMPLES], sound, level))
        for voice, sound, level in zip(voices, sounds, levels, strict=False)
        if np.any(sound)
    )
    yield from islice(mixed, MIXED)


def mix(voice: Samples, sound: Samples, level_db: float) -> Samples:
    """Speech with a sound that is so many decibels below it."""
    beside = np.resize(sound, len(voice)).astype(np.float64)
    gain = np.sqrt(np.mean(voice**2) / np.mean(beside**2) / 10 ** (level_db / 10))
    mixed = voice + gain * beside
    loudest = max(1.0, float(np.max(np.abs(mixed))))
    scaled: Samples = (mixed / loudest).astype(np.float32)
    return scaled


def shares(model: SoundModel, clips: list[Clip]) -> dict[str, Any]:
    """Share of clips that are told right, by group, and the speed."""
    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(lambda clip: hear_pieces(model, [clip.samples]), clips))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for clip, found in zip(clips, heard, strict=True):
        right[clip.group].append(sort_of(found.speech_score, found.music_score) == clip.sort)
    seconds = sum(len(clip.samples) for clip in clips) / RATE_HZ
    by_group = {group: float(np.mean(each)) for group, each in right.items()}
    recalls = [share for group, share in by_group.items() if group.startswith("windows")]
    made = [each for group, all_ in right.items() if group.startswith("made") for each in all_]
    return {
        **{f"{group} ({len(right[group])})": f"{share:.3f}" for group, share in by_group.items()},
        "windows, macro recall": f"{np.mean(recalls):.3f}",
        f"made, all ({len(made)})": f"{np.mean(made):.3f}",
        "× real time, 2 threads": f"{seconds / wall:.0f}",
        "× real time, per CPU second": f"{seconds / cpu:.0f}",
    }


def model_folder(parent: Path, models: Path, names: Iterable[str]) -> Path:
    """A folder with links to the files of some models."""
    folder = parent / "-".join(names)
    folder.mkdir()
    for name in names:
        for file in MODELS[name]:
            (folder / file).symlink_to((models / file).resolve())
    return folder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    given = parser.parse_args()
    clips = list(shared_clips(given.data))
    voices = [clip.samples for clip in clips if clip.group == "speech files"]
    # The last ones: the first were mixed when the borders were set.
    clips += made_clips([each for each in reversed(voices) if len(each) >= 3 * RATE_HZ])
    columns = {}
    with tempfile.TemporaryDirectory() as scratch:
        for names in (("YAMNet",), ("FireRedVAD",), ("YAMNet", "FireRedVAD")):
            folder = model_folder(Path(scratch), given.models, names)
            columns[" and ".join(names)] = shares(load_classifier(folder), clips)
    rows = next(iter(columns.values()))
    print(
        markdown_table(
            ("clips", *columns),
            [(row, *(column[row] for column in columns.values())) for row in rows],
        )
    )


if __name__ == "__main__":
    main()
