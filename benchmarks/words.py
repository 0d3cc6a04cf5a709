"""How far the times of words are from when they are heard, in one table.

Digits and short clips are joined into recordings at known places, with silence of various lengths
and a faint noise of -70 dBFS between them. Each recording goes through the pipeline's own
segmenter, its segments through the recogniser. The words in the middle of which a clip is playing
(or, between two clips, the nearer one) are that clip's; the start of the first and the end of the
last are compared with the clip's energy onset and offset: the first and last 10 ms within 35 dB of
its loudest 10 ms. Clips whose quietest tenth is not 45 dB below that do not take part: in them,
energy cannot tell where speech begins.

    python benchmarks/words.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from corpus import WINDOW_SECONDS
from cuts import Cut, hear
from reference import RATE_HZ, Clip, markdown_table, read_clips

from beam_audio.asr import PADDINGS, ModelOptions, load_model
from beam_audio.segments.splitter import split
from beam_audio.types import Audio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.asr import Recognizer
    from beam_audio.types import Segment, Transcript, Word

MODELS = ("whisper-tiny.en", "whisper-base")
DIGITS = "fsdd_8k"
SECONDS = (0.1, 15.0)
SILENCES_SECONDS = (0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
NOISE_DBFS = -70.0
CLIPS_A_RECORDING = 20
SEED = 0
HOP_SAMPLES = RATE_HZ // 100
ONSET_DB = -35.0
CLEAN_DB = -45.0
GOAL_SECONDS = 0.080


@dataclass(frozen=True, slots=True)
class Place:
    """A clip in a recording, in seconds: its borders, and where its energy begins and ends."""

    start: float
    end: float
    onset: float
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Joined clips: float32 (n,) at 16 kHz."""

    samples: NDArray[np.float32] = field(repr=False)
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the words of all recordings are like; errors in seconds."""

    onset_errors: NDArray[np.float64]
    offset_errors: NDArray[np.float64]
    without_words: int
    words: int
    outside: int
    disordered: int


def is_short_english(entry: dict[str, Any]) -> bool:
    """Speech in English, neither very short nor long."""
    shortest, longest = SECONDS
    return bool(
        entry["kind"] == "speech"
        and entry.get("lang") == "en"
        and entry["decode_ok"]
        and shortest <= entry["duration"] <= longest
    )


def levels_db(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power of each 10 ms against the loudest."""
    hops = samples[: len(samples) // HOP_SAMPLES * HOP_SAMPLES].reshape(-1, HOP_SAMPLES)
    power = np.square(hops.astype(np.float64)).mean(axis=1)
    levels: NDArray[np.float64] = 10 * np.log10(power / power.max() + 1e-12)
    return levels


def is_clean(clip: Clip) -> bool:
    """Whether energy separates speech from what is around it; a digit is cut at its borders."""
    cut_out = clip.name.startswith(DIGITS)
    return cut_out or bool(np.percentile(levels_db(clip.samples), 10) <= CLEAN_DB)


def join(clips: list[Clip], rng: np.random.Generator) -> Recording:
    """One recording of clips with silence around them."""
    parts: list[NDArray[np.float32]] = []
    places = []
    position = 0
    for clip in clips:
        silence = np.zeros(round(rng.choice(SILENCES_SECONDS) * RATE_HZ), np.float32)
        start = position + len(silence)
        position = start + len(clip.samples)
        heard = np.flatnonzero(levels_db(clip.samples) >= ONSET_DB) * HOP_SAMPLES
        borders = (start, position, start + heard[0], start + heard[-1] + HOP_SAMPLES)
        places.append(Place(*(float(border) / RATE_HZ for border in borders)))
        parts += [silence, clip.samples]
    joined = np.concatenate([*parts, np.zeros(RATE_HZ, np.float32)])
    noise = rng.normal(scale=10 ** (NOISE_DBFS / 20), size=len(joined))
    return Recording((joined + noise).astype(np.float32), tuple(places))


def join_all(clips: list[Clip]) -> list[Recording]:
    """Recordings of all clips in random order."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(clips))
    return [
        join([clips[place] for place in order[first : first + CLIPS_A_RECORDING]], rng)
        for first in range(0, len(clips), CLIPS_A_RECORDING)
    ]


def transcribe(
    recognizer: Recognizer, recording: Recording, batch: int
) -> list[tuple[Segment, Transcript]]:
    """Segments of a recording and what was heard in them."""
    audio = Audio(recording.samples, RATE_HZ, "joined")
    cuts = [Cut(one, one.samples) for one in split(audio)]
    found = hear(recognizer, cuts, budget_seconds=batch * WINDOW_SECONDS)
    return sorted(found, key=lambda pair: pair[0].segment_index)


def shifted(segment: Segment, words: tuple[Word, ...]) -> list[tuple[float, float]]:
    """Start and end of each word in the recording."""
    start = segment.start_sample / RATE_HZ
    return [(start + word.start_seconds, start + word.end_seconds) for word in words]


def is_outside(segment: Segment, start: float, end: float) -> bool:
    """Whether a word lies outside its segment."""
    # Seconds are sums here: equal times may differ in their last digit.
    first, last = (border / RATE_HZ for border in (segment.start_sample, segment.end_sample))
    return bool(start < first - 1e-9 or end > last + 1e-9)


def measure(recognizer: Recognizer, recordings: list[Recording], batch: int) -> Figures:
    """Errors of all clips, and words that break the rules."""
    onsets, offsets = [], []
    without_words = outside = disordered = count = 0
    for recording in recordings:
        words: list[tuple[float, float]] = []
        for segment, transcript in transcribe(recognizer, recording, batch):
            own = shifted(segment, transcript.words or ())
            outside += sum(is_outside(segment, *word) for word in own)
            borders = [border for word in own for border in word]
            disordered += sum(after < before for before, after in pairwise(borders))
            words += own
        count += len(words)
        middles = np.array([(start + end) / 2 for start, end in words])
        centres = [(a.end + b.start) / 2 for a, b in pairwise(recording.places)]
        owners = np.searchsorted(centres, middles)
        for index, place in enumerate(recording.places):
            own = [word for word, owner in zip(words, owners, strict=True) if owner == index]
            if not own:
                without_words += 1
                continue
            onsets.append(own[0][0] - place.onset)
            offsets.append(own[-1][1] - place.offset)
    return Figures(np.array(onsets), np.array(offsets), without_words, count, outside, disordered)


def row(model: str, what: str, errors: NDArray[np.float64]) -> tuple[object, ...]:
    """One line of the table."""
    absolute = np.abs(errors)
    within = 100 * np.mean(absolute <= GOAL_SECONDS)
    milliseconds = (np.median(absolute), np.percentile(absolute, 90), np.median(errors))
    return (
        model,
        what,
        len(errors),
        *(f"{1000 * seconds:.0f} ms" for seconds in milliseconds),
        f"{within:.1f} %",
    )


def main() -> None:
    """Print the table, and what breaks the rules below it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--precision")
    parser.add_argument("--padding", choices=PADDINGS)
    parser.add_argument("--batch", type=int, default=8, help="windows of 30 s in a batch")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    clips = [clip for clip in read_clips(arguments.data, is_short_english) if is_clean(clip)]
    recordings = join_all(clips)
    rows, notes = [], []
    for model in arguments.models.split(","):
        recognizer = load_model(
            model,
            ModelOptions(
                precision=arguments.precision,
                padding=arguments.padding,
                provider="cpu",
                threads=arguments.threads,
            ),
        )
        found = measure(recognizer, recordings, arguments.batch)
        both = np.concatenate([found.onset_errors, found.offset_errors])
        rows += [
            row(recognizer.facts.model_id, "onset of the first word", found.onset_errors),
            row(recognizer.facts.model_id, "offset of the last word", found.offset_errors),
            row(recognizer.facts.model_id, "both", both),
        ]
        notes.append(
            f"- {recognizer.facts.model_id}: {found.words} words, "
            f"{found.outside} outside their segment, "
            f"{found.disordered} out of order; {found.without_words} clips without a word"
        )
    seconds = sum(len(recording.samples) for recording in recordings) / RATE_HZ
    print(f"{len(clips)} clips in {len(recordings)} recordings, {seconds:.0f} s\n")
    header = ("model", "border", "count", "median error", "90 %", "bias", "within 80 ms")
    print(markdown_table(header, rows))
    print("", *notes, sep="\n")


if __name__ == "__main__":
    main()
