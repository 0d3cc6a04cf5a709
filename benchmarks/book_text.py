"""Whether a long recording is cut at the sentences of its text, in one table.

The LibriSpeech, LJSpeech and Harvard clips are joined with silence of various lengths and a faint
noise of -70 dBFS between them, and recognised once. The text has a paragraph per clip. In each draw
one in ten is taken out of the text, or a sentence of another text is put in. A cut is right if it
is within 0.2 s of the pause: from where one clip falls silent to where the next begins. A clip is
silent where it is 35 dB below its loudest 10 ms, or within 10 dB of its quietest tenth: many clips
have noise of their own around the speech.

    python benchmarks/book_text.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset
import soundfile
from reference import RATE_HZ, Clip, markdown_table, read_clips
from words import HOP_SAMPLES, ONSET_DB, Place, Recording, join, levels_db

from beam_audio.quality.book_text import Reading, read_sentences
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.pauses import Spoken
from beam_audio.quality.sentences import split_sentences
from beam_audio.types import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOKS = ("librispeech/", "ljspeech/", "harvard/")
CHANGED = 0.1
NEAR_SECONDS = 0.2
MOST = 0.5
QUIETEST_PERCENT = 10
ABOVE_FLOOR_DB = 10.0
SHORTEST_OTHER_WORDS = 4
SEED = 0


@dataclass(slots=True)
class Counts:
    """What came of all draws.

    Attributes:
        cuts: Cuts of paragraphs that are in the recording.
        right: Those in the pause, or near it.
        changed: Paragraphs put in or taken out.
        named: Those that are said to be not read, or added.
        falsely_named: Others of which the same is said.
        sentences: Paragraphs of all texts.
        misread: Those that are said to be misread.
        lost: Texts that lost a word.
        distances: Seconds from each cut to its pause.
    """

    cuts: int = 0
    right: int = 0
    changed: int = 0
    named: int = 0
    falsely_named: int = 0
    sentences: int = 0
    misread: int = 0
    lost: int = 0
    distances: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the text, and where it is read; None if it is not."""

    text: str
    clip: int | None


def is_of_a_book(entry: dict[str, Any]) -> bool:
    """A clip that is joined."""
    return bool(entry["audio_filepath"].startswith(BOOKS) and entry.get("text"))


def other_sentences(data: Path) -> list[str]:
    """English references of other clips, in the style of most of the text: bare."""
    entries = map(json.loads, (data / "manifest.jsonl").read_text("utf-8").splitlines())
    texts = {
        entry["text"]
        for entry in entries
        if entry.get("lang") == "en" and entry.get("text") and not is_of_a_book(entry)
    }
    return sorted(text for text in texts if len(text.split()) >= SHORTEST_OTHER_WORDS)


def with_own_silence(place: Place, clip: Clip) -> Place:
    """The place of a clip, without the silence at its edges."""
    levels = levels_db(clip.samples)
    floor = float(np.percentile(levels, QUIETEST_PERCENT)) + ABOVE_FLOOR_DB
    heard = np.flatnonzero(levels >= max(ONSET_DB, floor)) * HOP_SAMPLES / RATE_HZ
    onset, offset = place.start + heard[0], place.start + heard[-1] + HOP_SAMPLES / RATE_HZ
    return replace(place, onset=float(onset), offset=float(offset))


def book_of(clips: list[Clip]) -> Recording:
    """The clips as one recording."""
    joined = join(clips, np.random.default_rng(SEED))
    pairs = zip(joined.places, clips, strict=True)
    return Recording(joined.samples, tuple(with_own_silence(*pair) for pair in pairs))


def recognise(recording: Recording, text: str, model: str, folder: Path) -> Spoken:
    """What a run hears in the recording."""
    file, output = folder / "book.flac", folder / "out"
    soundfile.write(file, recording.samples, RATE_HZ)
    line = {"audio_filepath": str(file), "text": text, "lang": "en"}
    (folder / "book.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    flags = (f"--manifest={folder}/book.jsonl", f"--output={output}", f"--model={model}")
    subprocess.run([sys.executable, "-m", "beam_audio", "run", *flags], check=True)
    return heard_in(output, len(recording.samples) / RATE_HZ)


def heard_in(output: Path, seconds: float) -> Spoken:
    """Words and speech of the one recording of an output."""
    rows = pyarrow.dataset.dataset(output / "segments", partitioning="hive").to_table().to_pylist()
    rows.sort(key=lambda row: row["start_seconds"])
    words = [Word(**word) for row in rows for word in row["words"]]
    speech = [
        (each["start_seconds"], each["end_seconds"]) for row in rows for each in row["speech"]
    ]
    return Spoken(words, speech, seconds)


def drawn(clips: Sequence[Clip], others: Sequence[str], draw: random.Random) -> list[Paragraph]:
    """The text with one in ten paragraphs taken out, or put in before."""
    changed = set(draw.sample(range(len(clips)), round(CHANGED * len(clips))))
    paragraphs = []
    for number, clip in enumerate(clips):
        is_added = number in changed and draw.random() < 0.5
        if is_added:
            paragraphs.append(Paragraph(draw.choice(others), None))
        if number not in changed or is_added:
            paragraphs.append(Paragraph(clip.text or "", number))
    return paragraphs


def count(
    counts: Counts,
    paragraphs: Sequence[Paragraph],
    readings: Sequence[Reading],
    places: Sequence[Place],
) -> None:
    """Add what came of one draw."""
    of_text = iter(each for each in readings if each.text)
    written = " ".join(each.text for each in paragraphs).split()
    counts.lost += written != " ".join(each.text for each in readings if each.text).split()
    for paragraph in paragraphs:
        own = [next(of_text) for _ in split_sentences(paragraph.text, "en")]
        counts.sentences += 1
        if paragraph.clip is None:
            counts.changed += 1
            counts.named += all(each.kind == "not_read" for each in own)
            continue
        counts.falsely_named += any(each.kind == "not_read" for each in own)
        counts.misread += any(each.kind == "misread" for each in own)
        count_cuts(counts, own[0].start_seconds, own[-1].end_seconds, places, paragraph.clip)
    kept = {each.clip for each in paragraphs}
    added = [each for each in readings if each.kind == "added"]
    for number, place in enumerate(places):
        if number not in kept:
            counts.changed += 1
            counts.named += sum(overlap(each, place) for each in added) >= MOST
    gone = [place for number, place in enumerate(places) if number not in kept]
    counts.falsely_named += sum(not any(overlap(each, place) for place in gone) for each in added)


def overlap(reading: Reading, place: Place) -> float:
    """Share of a clip that a reading has."""
    start, end = reading.start_seconds or 0.0, reading.end_seconds or 0.0
    return max(min(end, place.offset) - max(start, place.onset), 0.0) / (place.offset - place.onset)


def count_cuts(
    counts: Counts,
    start: float | None,
    end: float | None,
    places: Sequence[Place],
    clip: int,
) -> None:
    """Add the two cuts of a paragraph that is read."""
    before = places[clip - 1].offset if clip else 0.0
    after = places[clip + 1].onset if clip + 1 < len(places) else places[-1].end + 1.0
    pauses = ((start, before, places[clip].onset), (end, places[clip].offset, after))
    for cut, first, last in pauses:
        counts.cuts += 1
        if cut is not None:
            distance = max(first - cut, cut - last, 0.0)
            counts.distances.append(distance)
            counts.right += distance <= NEAR_SECONDS


def line(model: str, readings: Counts, draws: int) -> tuple[object, ...]:
    """The line of a model."""
    return (
        model,
        draws,
        readings.cuts,
        f"{100 * readings.right / readings.cuts:.1f} %",
        f"{np.percentile(readings.distances, 99):.2f} s",
        readings.changed,
        f"{100 * readings.named / readings.changed:.1f} %",
        f"{readings.falsely_named} of {readings.sentences}",
        f"{readings.misread} of {readings.sentences}",
        readings.lost,
    )


def count_draws(
    spoken: Spoken, recording: Recording, clips: Sequence[Clip], others: Sequence[str], draws: int
) -> Counts:
    """What comes of so many texts of one recording."""
    counts = Counts()
    for number in range(draws):
        paragraphs = drawn(clips, others, random.Random(number))
        text = "\n\n".join(each.text for each in paragraphs)
        readings = read_sentences(text, spoken, normalizer_for("en"))
        count(counts, paragraphs, readings, recording.places)
    return counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default="whisper-base")
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    clips = read_clips(arguments.data, is_of_a_book)
    recording = book_of(clips)
    others = other_sentences(arguments.data)
    lines = []
    for model in arguments.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            text = "\n\n".join(clip.text or "" for clip in clips)
            spoken = recognise(recording, text, model, Path(folder))
        counts = count_draws(spoken, recording, clips, others, arguments.draws)
        lines.append(line(model, counts, arguments.draws))
    print(f"{len(clips)} clips, {len(recording.samples) / RATE_HZ:.0f} s; {len(others)} others\n")
    heads = (
        *("model", "draws", "cuts", "right", "99 % within", "changed", "named"),
        *("falsely named", "misread", "texts with a lost word"),
    )
    print(markdown_table(heads, lines))


if __name__ == "__main__":
    main()
