"""Whether two models that differ find bad texts better than one model's confidence, in two tables.

English clips, clean and with pink noise at 10, 5 and 0 dB, go through ``beam-audio run`` with a
second model. Their segments, of all four conditions together, are ranked once by ``avg_logprob``
and once by ``disagreement_cer``; of each ranking the best are kept, up to 70 % of the reference
words, and the word error rates of what is kept are compared. The interval is that of a bootstrap
over clips. The second table ranks nothing: it has the clips of each language, without noise.
The time of the second model is that of its batches over those of the first, which come in turns.

    python benchmarks/second_opinion.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.dataset
import soundfile
from machine import describe_machine, machine_line
from reference import markdown_table

from beam_audio.audio.decode import decode, resample
from beam_audio.output.commits import read_commits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from beam_audio.types import Row

RATE_HZ: Final = 16_000
LEVELS_DB: Final = (None, 10, 5, 0)
KEPT_SHARE: Final = 0.7
REPEATS: Final = 1000
ERRORS: Final = ("wer_substitutions", "wer_deletions", "wer_insertions")
WORDS: Final = ("wer_hits", "wer_substitutions", "wer_deletions")


def clips_of(data: Path, limit: int, *, english: bool) -> list[dict[str, Any]]:
    """The shared speech with a text."""
    lines = map(json.loads, (data / "manifest.jsonl").read_text("utf-8").splitlines())
    found = [
        entry
        for entry in lines
        if entry["kind"] == "speech"
        and entry["decode_ok"]
        and entry.get("text")
        and (entry["lang"] == "en" or not english)
    ]
    return found[:limit]


def pink_noise(samples: int, seed: int) -> NDArray[np.float64]:
    """Noise whose power falls by 3 dB an octave, of power 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), samples)
    return np.asarray(pink / np.sqrt(np.mean(np.square(pink))))


def write_inputs(folder: Path, data: Path, entries: Sequence[dict[str, Any]]) -> Path:
    """Write each clip in each condition; returns the manifest."""
    lines = []
    for seed, entry in enumerate(entries):
        audio = decode(data / entry["audio_filepath"])
        clean = resample(audio.samples, audio.sample_rate_hz, RATE_HZ).astype(np.float64)
        power = np.mean(np.square(clean))
        for level in LEVELS_DB:
            gain = 0.0 if level is None else np.sqrt(power / 10 ** (level / 10))
            noisy = clean + gain * pink_noise(len(clean), seed)
            path = folder / f"{seed}-{level}.wav"
            soundfile.write(path, noisy / max(1.0, np.abs(noisy).max()), RATE_HZ, subtype="PCM_16")
            lines.append({"audio_filepath": str(path), "text": entry["text"], "lang": "en"})
            lines[-1] |= {"clip": str(seed), "noise": "clean" if level is None else f"{level} dB"}
    return write_manifest(folder / "english.jsonl", lines)


def write_manifest(file: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """Write the lines of a manifest."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def segments_of(output: Path, manifest: Path, flags: Iterable[str]) -> list[Row]:
    """Segments of a run."""
    command = [sys.executable, "-m", "beam_audio", "run", f"--output={output}"]
    flags = [f"--manifest={manifest}", *flags]
    subprocess.run([*command, *flags], check=True, stdout=subprocess.DEVNULL)
    table = pyarrow.dataset.dataset(output / "segments", partitioning="hive").to_table()
    rows: list[Row] = [{**row, **json.loads(row["metadata"])} for row in table.to_pylist()]
    return rows


def added_time(output: Path) -> float:
    """Seconds of the second model per second of the first."""
    seconds: Counter[str] = Counter()
    for commit in read_commits(str(output)):
        seconds.update(commit.stage_seconds)
    return seconds["second"] / seconds["recognise"]


def by_confidence(row: Row) -> float:
    """Rank of a segment by the model's own confidence, the best first."""
    return -float(row["avg_logprob"])


def by_disagreement(row: Row) -> float:
    """Rank of a segment by how far two models differ, the best first; without words it is last."""
    found = row["disagreement_cer"]
    return float("inf") if found is None else found


def counts(rows: Iterable[Row]) -> NDArray[np.int64]:
    """Errors and reference words of each segment, shape (n, 2)."""
    return np.array(
        [[sum(row[name] for name in names) for names in (ERRORS, WORDS)] for row in rows]
    ).reshape(-1, 2)


def kept_wer(counted: NDArray[np.int64], ranks: NDArray[np.float64]) -> float:
    """WER of the best segments that hold the share of all reference words that is kept."""
    ordered = counted[np.argsort(ranks, kind="stable")]
    fits = np.cumsum(ordered[:, 1]) <= KEPT_SHARE * counted[:, 1].sum()
    errors, words = ordered[fits].sum(axis=0)
    return float(errors / words)


def gain(rows: Sequence[Row]) -> float:
    """Share of the WER that ranking by disagreement saves over ranking by confidence."""
    counted = counts(rows)
    confident, agreed = (
        kept_wer(counted, np.array([rank(row) for row in rows]))
        for rank in (by_confidence, by_disagreement)
    )
    return 1 - agreed / confident


def interval(rows: Sequence[Row], measure: Callable[[Sequence[Row]], float]) -> list[float]:
    """The middle 95 % of a figure when clips are drawn again with replacement."""
    clips = defaultdict(list)
    for row in rows:
        clips[row["clip"]].append(row)
    groups, random = list(clips.values()), np.random.default_rng(0)
    found = [
        measure(
            [
                row
                for place in random.integers(len(groups), size=len(groups))
                for row in groups[place]
            ]
        )
        for _ in range(REPEATS)
    ]
    return [float(each) for each in np.percentile(found, [2.5, 97.5])]


def english_line(name: str, rows: Sequence[Row]) -> tuple[object, ...]:
    """All, and what each ranking keeps."""
    counted = counts(rows)
    errors, words = counted.sum(axis=0)
    kept = [
        kept_wer(counted, np.array([rank(row) for row in rows]))
        for rank in (by_confidence, by_disagreement)
    ]
    shares = (f"{100 * wer:.2f} %" for wer in (errors / words, *kept))
    return name, len(rows), words, *shares, f"{100 * gain(rows):.0f} %"


def language_line(language: str, rows: Sequence[Row]) -> tuple[object, ...]:
    """How far two models differ in a language, and how far the first is from the reference."""
    cer, apart = (
        [row[name] for row in rows if row[name] is not None] for name in ("cer", "disagreement_cer")
    )
    outvoted = sum(row["voted_language"] not in (None, row["text_language"]) for row in rows)
    medians = (f"{np.median(each):.3f}" if each else "" for each in (cer, apart))
    related = (
        f"{np.corrcoef(cer, apart)[0, 1]:.2f}" if len(rows) == len(cer) == len(apart) > 3 else ""
    )
    return language, len(rows), *medians, related, outvoted


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--keep", type=Path, help="leave the outputs in this folder")
    known, flags = parser.parse_known_args()  # the rest are flags of beam-audio run
    flags = [
        "--model=whisper-base",
        "--second_model=whisper-tiny.en",
        "--padding=condensed",
        *flags,
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = known.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        entries = clips_of(known.data, known.clips, english=True)
        rows = segments_of(folder / "english", write_inputs(folder, known.data, entries), flags)
        others = [
            {**entry, "audio_filepath": str((known.data / entry["audio_filepath"]).resolve())}
            for entry in clips_of(known.data, sys.maxsize, english=False)
            if entry["lang"] != "en"
        ]
        manifest = write_manifest(folder / "others.jsonl", others)
        foreign = segments_of(folder / "others", manifest, flags)
    heads = ("condition", "segments", "words", "WER", "kept by avg_logprob")
    conditions = {
        name: [row for row in rows if row["noise"] == name]
        for name in (row["noise"] for row in rows)
    }
    lines = [english_line(name, found) for name, found in sorted(conditions.items(), reverse=True)]
    print(machine_line(describe_machine()) + "\n")
    print(
        markdown_table(
            (*heads, "kept by disagreement_cer", "less"), [*lines, english_line("**all**", rows)]
        )
    )
    low, high = interval(rows, gain)
    print(f"\n95 % of bootstraps over clips: {100 * low:.0f} to {100 * high:.0f} % less")
    print(f"The second model takes {100 * added_time(folder / 'english'):.0f} % more time\n")
    heads = ("language", "segments", "median CER", "median disagreement_cer", "correlation")
    languages = sorted({row["text_language"] or "" for row in foreign})
    print(
        markdown_table(
            (*heads, "language outvoted"),
            [
                language_line(each, [row for row in foreign if row["text_language"] == each])
                for each in languages
            ],
        )
    )


if __name__ == "__main__":
    main()
