"""How rules judge text that models hear where nobody speaks, and what that costs, in two tables.

Generated noise, tones and music-like sounds and the shared clips without speech, cut to windows of
at most 30 s, go through ``beam-audio run`` twice: with ``--segmenter=fixed``, where every window is
recognised and text in one must be flagged, and with ``--segmenter=vad``, which should skip it. The
second table has the other side: what the same rules flag in the shared speech.

    python benchmarks/nonspeech.py --data ../shared/data
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

import pyarrow.dataset
import soundfile
from nonspeech_signals import RATE_HZ, VARIANTS, signals
from reference import WINDOW_SAMPLES, markdown_table

from beam_audio.audio.decode import decode, resample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.types import Row

MODELS: Final = ("whisper-tiny.en", "whisper-base")
KINDS_WITHOUT_SPEECH: Final = ("music", "noise", "rir", "silence")
NOTES: Final = {"no_reference", "empty_reference"}
"""Reasons that say nothing about what was heard."""
FIGURES: Final = (
    *("decision", "reasons", "duration_seconds", "speech_fraction", "avg_logprob"),
    *("no_speech_prob", "compression_ratio", "language"),
)


def manifest_entries(data: Path) -> list[dict[str, Any]]:
    """The lines of the shared manifest."""
    lines = (data / "manifest.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def write_windows(folder: Path, data: Path, variants: int) -> Counter[str]:
    """Write every window as a file in a folder of its kind; how many there are of each kind."""
    windows = [(kind, f"{number}", samples) for kind, number, samples in signals(variants)]
    for entry in manifest_entries(data):
        if entry["kind"] in KINDS_WITHOUT_SPEECH:
            path = data / entry["audio_filepath"]
            audio = decode(path)
            samples = resample(audio.samples, audio.sample_rate_hz, RATE_HZ)
            for start in range(0, len(samples), WINDOW_SAMPLES):
                part = samples[start : start + WINDOW_SAMPLES]
                windows.append((f"shared {entry['kind']}", f"{path.stem}-{start}", part))
    for kind, name, samples in windows:
        target = folder / kind / f"{name}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, samples, RATE_HZ, subtype="PCM_16")
    return Counter(kind for kind, _, _ in windows)


def write_manifest(file: Path, data: Path, *, english: bool) -> None:
    """List the shared speech, without its references: with them, WER would flag the text."""
    entries = [
        entry
        for entry in manifest_entries(data)
        if entry["kind"] == "speech"
        and entry["decode_ok"]
        and (entry.get("lang") == "en" or not english)
    ]
    paths = [str((data / entry["audio_filepath"]).resolve()) for entry in entries]
    file.write_text("".join(json.dumps({"audio_filepath": path}) + "\n" for path in paths), "utf-8")


def segments_of(output: Path, flags: Iterable[str]) -> list[Row]:
    """Segments of a run."""
    command = [sys.executable, "-m", "beam_audio", "run", f"--output={output}", *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    if not (output / "segments").is_dir():
        return []
    rows: list[Row] = (
        pyarrow.dataset.dataset(output / "segments", partitioning="hive").to_table().to_pylist()
    )
    return rows


def is_kept_with_text(row: Row) -> bool:
    """Whether a segment has text and is kept."""
    return bool(row["text"]) and row["decision"] == "keep"


def reasons_of(rows: Iterable[Row]) -> str:
    """Reasons of rows with text, the commonest first."""
    counts = Counter(reason for row in rows if row["text"] for reason in row["reasons"])
    return " · ".join(f"{name} {n}" for name, n in counts.most_common() if name not in NOTES)


def by_kind(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Segments by the folder of their file."""
    found = defaultdict(list)
    for row in rows:
        found[Path(row["uri"]).parent.name].append(row)
    return found


def table_lines(
    model: str, windows: Counter[str], fixed: list[Row], vad: list[Row]
) -> list[tuple[object, ...]]:
    """A line for each kind of signal, and one for all."""
    heard, detected = by_kind(fixed), by_kind(vad)
    lines = [
        _line(model, kind, count, heard[kind], detected[kind]) for kind, count in windows.items()
    ]
    return [*lines, _line(model, "**all**", windows.total(), fixed, vad)]


def _line(
    model: str, kind: str, windows: int, fixed: list[Row], vad: list[Row]
) -> tuple[object, ...]:
    skipped = 1 - len({row["uri"] for row in vad}) / windows
    return (
        model,
        kind,
        len(fixed),
        sum(not row["text"] for row in fixed),
        sum(bool(row["text"]) and not is_kept_with_text(row) for row in fixed),
        reasons_of(fixed),
        sum(map(is_kept_with_text, fixed)),
        f"{100 * skipped:.1f} %",
        sum(map(is_kept_with_text, vad)),
    )


def speech_line(model: str, segmenter: str, rows: list[Row]) -> tuple[object, ...]:
    """How much of real speech the rules leave alone."""
    decisions = Counter(row["decision"] for row in rows)
    shares = (f"{100 * decisions[name] / len(rows):.1f} %" for name in ("keep", "review", "drop"))
    return (model, segmenter, len(rows), *shares, reasons_of(rows))


def main() -> None:
    """Print the tables, and below them the texts that were not flagged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--variants", type=int, default=VARIANTS, help="signals of each kind")
    parser.add_argument("--keep", type=Path, help="leave the outputs in this folder")
    known, flags = parser.parse_known_args()  # the rest are flags of beam-audio run
    lines, speech, kept = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = known.keep or Path(scratch)
        windows = write_windows(folder / "windows", known.data, known.variants)
        for model in known.models.split(","):
            found = {}
            write_manifest(folder / "speech.jsonl", known.data, english=model.endswith(".en"))
            for segmenter in ("fixed", "vad"):
                common = [f"--model={model}", f"--segmenter={segmenter}", *flags]
                inputs = {
                    "windows": f"--input={folder / 'windows'}",
                    "speech": f"--manifest={folder / 'speech.jsonl'}",
                }
                for name, source in inputs.items():
                    output = folder / f"{model}-{segmenter}-{name}"
                    found[segmenter, name] = segments_of(output, [source, *common])
                rows = found[segmenter, "windows"]
                kept += [(model, segmenter, row) for row in rows if is_kept_with_text(row)]
                speech.append(speech_line(model, segmenter, found[segmenter, "speech"]))
            lines += table_lines(model, windows, found["fixed", "windows"], found["vad", "windows"])
    heads = ("model", "signal", "windows", "no text", "flagged", "why", "unflagged")
    print(markdown_table((*heads, "skipped by VAD", "unflagged with VAD"), lines))
    heads = ("model", "segmenter", "speech segments", "keep", "review", "drop", "why")
    print("\n" + markdown_table(heads, speech))
    for model, segmenter, row in kept:
        figures = ", ".join(f"{name} {row[name]}" for name in FIGURES)
        print(f"\n- {model}, {segmenter}, {'/'.join(Path(row['uri']).parts[-2:])}: {row['text']!r}")
        print(f"  {figures}")


if __name__ == "__main__":
    main()
