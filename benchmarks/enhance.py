"""What an enhancer does to the word error rate of noisy speech, in one table.

Clips of LibriSpeech, as they are and with noise at 20, 10, 5 and 0 dB, go through a run
as they came and with ``--enhance_model``. The noises are pink noise, babble (six clips of other
people) and two recorded noises in turns. Levels are the power of the clip over that of the noise.
The interval is that of a bootstrap over clips. All other flags are those of ``beam-audio run``.

    python benchmarks/enhance.py --data ../shared/data --enhancer DIR --picture docs/enhance.svg
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow.dataset
import soundfile
from machine import describe_machine, machine_line
from reference import Clip, markdown_table, read_clips
from second_opinion import counts, interval, pink_noise, write_manifest

from beam_audio.audio.decode import decode, resample
from beam_audio.output.commits import read_commits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from beam_audio.types import Row

RATE_HZ: Final = 16_000
LEVELS_DB: Final = (20, 10, 5, 0)
NOISES: Final = ("pink", "babble", "recorded")
TALKERS: Final = 6
COLOURS: Final = dict(zip(NOISES, ("#2f6fdd", "#c0392b", "#2e8b57"), strict=True))
CLEAN: Final = "none"


class Line(NamedTuple):
    """A line of the table; rates are fractions."""

    noise: str
    level: str
    words: int
    came: float
    enhanced: float
    low: float
    high: float


def write_inputs(folder: Path, data: Path, clips: Sequence[Clip]) -> Path:
    """Write each clip in each condition; returns the manifest."""
    recorded = [
        resample(audio.samples, audio.sample_rate_hz, RATE_HZ).astype(np.float64)
        for audio in map(decode, sorted((data / "noise").glob("*.wav")))
    ]
    lines = []
    for number, clip in enumerate(clips):
        clean = clip.samples.astype(np.float64)
        noises = {
            "pink": pink_noise(len(clean), number),
            "babble": babble(clip, clips),
            "recorded": np.resize(recorded[number % len(recorded)], len(clean)),
        }
        mixed: dict[tuple[str, str], NDArray[np.float64]] = {(CLEAN, ""): clean}
        for name, noise in noises.items():
            scale = np.sqrt(np.mean(np.square(clean)) / np.mean(np.square(noise)))
            for level in LEVELS_DB:
                mixed[name, f"{level} dB"] = clean + scale * 10 ** (-level / 20) * noise
        for (name, heard_at), samples in mixed.items():
            path = folder / f"{number}-{name}-{heard_at.replace(' ', '')}.wav"
            limited = samples / max(1.0, np.abs(samples).max())
            soundfile.write(path, limited, RATE_HZ, subtype="PCM_16")
            line = {"audio_filepath": str(path), "text": clip.text, "lang": "en"}
            lines.append(line | {"clip": str(number), "noise": name, "level": heard_at})
    return write_manifest(folder / "noisy.jsonl", lines)


def babble(clip: Clip, clips: Sequence[Clip]) -> NDArray[np.float64]:
    """Six clips of other people at once, each as loud as the next."""
    others = [each for each in clips if speaker(each) != speaker(clip)]
    start = clips.index(clip) % len(others)
    chosen = [others[(start + 7 * number) % len(others)] for number in range(TALKERS)]
    loud = (each.samples / np.sqrt(np.mean(np.square(each.samples))) for each in chosen)
    together = np.sum([np.resize(each, len(clip.samples)) for each in loud], axis=0)
    return np.asarray(together, np.float64)


def speaker(clip: Clip) -> str:
    """Who reads a clip of LibriSpeech, by the name of its file."""
    return clip.name.rpartition("/")[2].partition("-")[0]


def recordings_of(output: Path, manifest: Path, flags: Sequence[str]) -> list[Row]:
    """Recordings of a run, with what the manifest says of each."""
    command = [sys.executable, "-m", "beam_audio", "run", f"--output={output}"]
    command += [f"--manifest={manifest}", *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = pyarrow.dataset.dataset(output / "recordings").to_table().to_pylist()
    return [{**row, **json.loads(row["metadata"])} for row in rows]


def line_of(noise: str, level: str, came: Sequence[Row], enhanced: Sequence[Row]) -> Line:
    """The line of a condition; rows of both runs are of the same clips in the same order."""
    pairs = [
        {"clip": before["clip"], "counted": counts([before, after])}
        for before, after in zip(came, enhanced, strict=True)
    ]
    before, after = np.sum([pair["counted"] for pair in pairs], axis=0)
    low, high = interval(pairs, more_errors)
    return Line(noise, level, before[1], before[0] / before[1], after[0] / before[1], low, high)


def more_errors(pairs: Sequence[Row]) -> float:
    """Errors that an enhancer adds, over the words."""
    before, after = np.sum([pair["counted"] for pair in pairs], axis=0)
    return float((after[0] - before[0]) / before[1])


def condition(row: Row) -> tuple[int, int]:
    """Rank of a row's condition in the table."""
    noise, level = row["noise"], row["level"]
    return (CLEAN, *NOISES).index(noise), -int(level.partition(" ")[0] or 0)


def lines_of(came: Sequence[Row], enhanced: Sequence[Row]) -> list[Line]:
    """A line for each condition."""
    grouped = [
        {
            each: sorted(rows, key=lambda row: row["clip"])
            for each, rows in groupby(sorted(run, key=condition), condition)
        }
        for run in (came, enhanced)
    ]
    return [
        line_of(before[0]["noise"], before[0]["level"], before, grouped[1][each])
        for each, before in grouped[0].items()
    ]


def seconds_of(output: Path) -> Counter[str]:
    """Seconds of work of a run by stage."""
    seconds: Counter[str] = Counter()
    for commit in read_commits(str(output)):
        seconds.update(commit.stage_seconds)
    return seconds


def picture(lines: Sequence[Line]) -> str:
    """Word error rates over the level of the noise in SVG: as the audio came, and enhanced."""
    top = max(max(line.came, line.enhanced) for line in lines) * 1.05
    drawn = []
    for noise in NOISES:
        found = [line for line in lines if line.noise == noise]
        for rates, dashes in (
            ([line.came for line in found], ""),
            ([line.enhanced for line in found], ' stroke-dasharray="6 5"'),
        ):
            points = " ".join(
                f"{_across(place):.0f},{_up(rate, top):.1f}" for place, rate in enumerate(rates)
            )
            drawn.append(
                f'<polyline points="{points}" fill="none" stroke="{COLOURS[noise]}" '
                f'stroke-width="2"{dashes}/>'
            )
        label = f'<text x="620" y="{_up(found[-1].came, top):.0f}" fill="{COLOURS[noise]}">'
        drawn.append(f"{label}{noise}</text>")
    for place, level in enumerate(LEVELS_DB):
        drawn.append(f'<text x="{_across(place)}" y="300" text-anchor="middle">{level} dB</text>')
    for percent in range(0, int(100 * top) + 1, 10):
        height = _up(percent / 100, top)
        drawn.append(
            f'<line x1="60" x2="610" y1="{height:.1f}" y2="{height:.1f}" stroke="#ddd"/>'
            f'<text x="52" y="{height + 4:.1f}" text-anchor="end">{percent} %</text>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 315" font-size="13" '
        'font-family="sans-serif"><rect width="760" height="315" fill="#fff"/>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _across(place: int) -> int:
    return 75 + 175 * place


def _up(rate: float, top: float) -> float:
    return 280 - 265 * rate / top


def shown(line: Line) -> tuple[object, ...]:
    """A line for a person to read."""
    rates = (f"{100 * rate:.1f} %" for rate in (line.came, line.enhanced))
    more = 100 * (line.enhanced - line.came)
    return (
        *(line.noise, line.level, line.words, *rates),
        f"{more:+.1f} ({100 * line.low:+.1f} to {100 * line.high:+.1f})",
    )


def main() -> None:
    """Print the table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--enhancer", type=Path, required=True, help="the folder of an enhancer")
    parser.add_argument("--every", type=int, default=1, help="take one clip of so many")
    parser.add_argument("--picture", type=Path, help="where to draw the table")
    given, flags = parser.parse_known_args()  # the rest are flags of beam-audio run
    clips = read_clips(
        given.data,
        lambda entry: entry["audio_filepath"].startswith("librispeech/") and bool(entry["text"]),
    )[:: given.every]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        manifest = write_inputs(folder, given.data, clips)
        came = recordings_of(folder / "came", manifest, flags)
        enhancer = f"--enhance_model={given.enhancer}"
        enhanced = recordings_of(folder / "enhanced", manifest, [*flags, enhancer])
        seconds = [seconds_of(folder / name) for name in ("came", "enhanced")]
    lines = lines_of(came, enhanced)
    print(machine_line(describe_machine()) + "\n")
    heads = ("noise", "level", "words", "WER as it came", "WER enhanced", "more, with 95 %")
    print(markdown_table(heads, [shown(line) for line in lines]))
    audio = sum(row["decoded_seconds"] for row in came)
    added = seconds[1]["measure"] - seconds[0]["measure"]
    print(
        f"\n{audio:.0f} s of audio: the enhancer takes {added:.0f} s, the recogniser "
        f"{seconds[0]['recognise']:.0f} s as the audio came and {seconds[1]['recognise']:.0f} s "
        "enhanced"
    )
    if given.picture:
        given.picture.write_text(picture(lines), "utf-8")


if __name__ == "__main__":
    main()
