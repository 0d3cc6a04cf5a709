"""How near ``snr_db`` comes to the truth: clean read speech, and noise mixed in, in one table.

Clips of one speaker are joined to recordings of 10 s and more, which end with half a second without
speech. Recordings that hold noise of their own, with a median below 30 dB, are left out. White
noise, pink noise or a babble of six other speakers is added at a known level. The truth is the
power of the clean recording in its frames of speech over the power of the noise.

    python benchmarks/snr.py --data ../shared/data --json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from machine import describe_machine, machine_line
from reference import RATE_HZ, Clip, markdown_table, read_clips

from beam_audio.quality.signal import measure
from beam_audio.segments.splitter import split
from beam_audio.types import Audio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Noise = Callable[[int, int], NDArray[np.float64]]

CLEAN_FOLDERS = ("librispeech/", "ljspeech/")
BABBLE_FOLDER = "librispeech_train_untranscribed"
BABBLE_VOICES = 6
MIN_RECORDING_SECONDS = 10.0
PAUSE_SECONDS = 0.5
FRAME = RATE_HZ // 40
LEVELS_DB = {"white": (20, 10, 0), "pink": (20, 10, 0), "babble": (20, 10, 0)}
QUIET_DB = 30.0
LOWEST_PINK_HZ = 20.0


@dataclass(frozen=True, slots=True)
class Result:
    """Segments of one kind: how many, how many without a value, and the values' errors in dB.

    For clean speech there is no truth: ``median`` is that of the values themselves.
    """

    kind: str
    segments: int
    null_percent: float
    median: float
    lowest: float
    within_5_db_percent: float | None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--recordings", type=int, default=40, help="most recordings with noise")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    results = list(study(arguments.data, arguments.recordings))
    header = ("recordings", "segments", "null %", "median dB", "lowest dB", "within 5 dB %")
    print(markdown_table(header, [tuple(map(_shown, asdict(each).values())) for each in results]))
    print("\nClean speech: the values. With noise: the values less the truth.")
    if arguments.json:
        print(json.dumps({"machine": machine, "results": [asdict(each) for each in results]}))


def study(data: Path, most_recordings: int) -> Iterator[Result]:
    """Measure clean speech, then each kind of noise at each level."""
    clips = read_clips(data, lambda line: line["audio_filepath"].startswith(CLEAN_FOLDERS))
    clean = [_snr_of(clip.samples) for clip in clips]
    yield _clean_result([value for values in clean for value in values])
    joined = join_by_speaker(clips)
    recordings = list(islice(filter(_is_quiet, joined), most_recordings))
    voices = read_clips(data, lambda line: line["audio_filepath"].startswith(BABBLE_FOLDER))
    noises: dict[str, Noise] = {
        "white": white,
        "pink": pink,
        "babble": lambda count, seed: babble(voices, count, seed),
    }
    for kind, noise in noises.items():
        for level_db in LEVELS_DB[kind]:
            errors = [
                error
                for seed, recording in enumerate(recordings)
                for error in _errors(recording, noise(len(recording), seed), level_db)
            ]
            yield _result(f"{kind} {level_db} dB", errors)


def join_by_speaker(clips: Iterable[Clip]) -> Iterator[NDArray[np.float64]]:
    """Join clips of one speaker to recordings of 10 s and more, which end with a pause."""
    pause = np.zeros(round(PAUSE_SECONDS * RATE_HZ))
    for _, spoken in groupby(clips, lambda clip: clip.name.split("-")[0]):
        joined: list[NDArray[np.float32]] = []
        for clip in spoken:
            joined.append(clip.samples)
            if sum(map(len, joined)) >= MIN_RECORDING_SECONDS * RATE_HZ:
                yield np.concatenate([*joined, pause])
                joined = []


def white(count: int, seed: int) -> NDArray[np.float64]:
    """Noise of equal power at all frequencies."""
    return np.random.default_rng(seed).standard_normal(count)


def pink(count: int, seed: int) -> NDArray[np.float64]:
    """Noise of equal power in all octaves from 20 Hz on."""
    spectrum = np.fft.rfft(white(count, seed))
    hertz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum[hertz < LOWEST_PINK_HZ] = 0.0
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, LOWEST_PINK_HZ)), count))


def babble(voices: list[Clip], count: int, seed: int) -> NDArray[np.float64]:
    """Six voices at once, equally loud."""
    chosen = np.random.default_rng(seed).choice(len(voices), BABBLE_VOICES, replace=False)
    said = [np.resize(voices[index].samples, count).astype(np.float64) for index in chosen]
    return np.asarray(np.sum([voice / voice.std() for voice in said], axis=0))


def _is_quiet(recording: NDArray[np.float64]) -> bool:
    found = [value for value in _snr_of(recording.astype(np.float32)) if value is not None]
    return bool(np.median(found) >= QUIET_DB)


def _errors(
    clean: NDArray[np.float64], noise: NDArray[np.float64], level_db: float
) -> list[float | None]:
    """What the values of a recording's segments are off by, noise added at ``level_db``."""
    speech = speech_power(clean)
    scale = np.sqrt(speech / np.mean(noise**2) * 10 ** (-level_db / 10))
    values = _snr_of((clean + scale * noise).astype(np.float32))
    return [None if value is None else value - level_db for value in values]


def speech_power(clean: NDArray[np.float64]) -> float:
    """Mean power of the frames of a clean recording that are speech as a whole."""
    marked = np.zeros(len(clean), np.bool_)
    for segment in split(Audio(clean.astype(np.float32), RATE_HZ)):
        for start, end in segment.speech:
            marked[start:end] = True
    whole = len(clean) // FRAME * FRAME
    spoken = marked[:whole].reshape(-1, FRAME).all(axis=1)
    return float(np.mean(clean[:whole].reshape(-1, FRAME)[spoken] ** 2))


def _snr_of(samples: NDArray[np.float32]) -> list[float | None]:
    return [measure(segment).snr_db for segment in split(Audio(samples, RATE_HZ))]


def _clean_result(values: list[float | None]) -> Result:
    found = [value for value in values if value is not None]
    null_percent = 100 * (1 - len(found) / len(values))
    return Result("clean", len(values), null_percent, float(np.median(found)), min(found), None)


def _result(kind: str, errors: list[float | None]) -> Result:
    found = np.array([error for error in errors if error is not None])
    return Result(
        kind,
        len(errors),
        100 * (1 - len(found) / len(errors)),
        float(np.median(found)),
        float(found.min()),
        100 * float(np.mean(np.abs(found) <= 5.0)),
    )


def _shown(value: float | str | None) -> str:
    if value is None:
        return "—"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
