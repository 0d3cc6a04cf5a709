"""Exports of real recordings, opened by the libraries of their formats: is everything equal?

python benchmarks/export_readers.py --data ../shared/data --readers .venv-readers/bin/python

Recordings of one channel and 16 bits are cut each second and transcribed with the placeholder.
Those whose headers lie are left out, as the comparison reads them by their headers. All segments
are exported in three ways: as FLAC (WAV where a format needs it); the same, packed and in splits by
speaker; and as Opus. What a library reads is compared with what the recordings hold. Opus alters
samples, so of it the correlation with them is given.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset
import soundfile
from machine import describe_machine, machine_line
from reference import markdown_table

from beam_audio.audio.decode import resample
from beam_audio.command.flags import resolve
from beam_audio.export.options import ExportOptions
from beam_audio.run.batch import run
from beam_audio.run.exporting import export
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.export.options import FormatName

READ = Path(__file__).resolve().parents[1] / "tests" / "support" / "export_readers.py"
FORMATS: tuple[FormatName, ...] = (
    "nemo",
    "nemo_tarred",
    "webdataset",
    "shar",
    "huggingface",
    "kaldi",
    "coqui",
)
ONLY_WAV = ("kaldi", "coqui")
SPLITS = ("data", "train", "dev", "test")
PACK_SECONDS = (3.0, 8.0)
PLAIN = ExportOptions("nemo", where="true")
WAYS = {
    "as they are": PLAIN,
    "packed, in splits": replace(
        PLAIN,
        pack_seconds=PACK_SECONDS,
        splits=(("train", 0.6), ("dev", 0.2), ("test", 0.2)),
        split_by="speaker",
    ),
    "Opus": replace(PLAIN, codec="opus"),
}
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
LEAST_CORRELATION = 0.5
"""Noise comes out of Opus least like it went in; another clip would be near 0."""
HEADER = (
    *("format", "clips", "reader", "items", "exported", "equal", "speakers in two splits"),
    *("least correlation", "mean"),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What an item must hold: its text, and where its samples are."""

    text: str
    speaker: str
    path: str
    start_seconds: float
    end_seconds: float

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples of the recording, shape (n,)."""
        recording, rate_hz = recorded(self.path)
        return recording[round(self.start_seconds * rate_hz) : round(self.end_seconds * rate_hz)]

    def correlation(self, samples: NDArray[np.int16]) -> float:
        """How alike decoded Opus is; 0 if its length is another."""
        _, rate_hz = recorded(self.path)
        opus_hz = next(rate for rate in OPUS_RATES_HZ if rate >= min(rate_hz, OPUS_RATES_HZ[-1]))
        own = resample(self.samples.astype(np.float32), rate_hz, opus_hz)
        if abs(len(own) - len(samples)) > 1:
            return 0.0
        both = np.stack([each[: min(len(own), len(samples))] for each in (own, samples)])
        norms = np.linalg.norm(both.astype(float), axis=1)
        return float(both[0].astype(float) @ both[1] / norms.prod()) if norms.all() else 1.0


@cache
def recorded(path: str) -> tuple[NDArray[np.int16], int]:
    """The samples of a recording, and their rate."""
    samples, rate_hz = soundfile.read(path, dtype="int16")
    return samples, rate_hz


def stretches(output: Path) -> dict[str, Stretch]:
    """All items that exports may hold, by id: segments, and neighbours that may be packed."""
    columns = ["segment_id", "recording_id", "uri", "start_seconds", "end_seconds", "text"]
    table = pyarrow.dataset.dataset(output / "segments", partitioning="hive").to_table(
        columns=[*columns, "metadata"]
    )
    by_recording = defaultdict(list)
    for row in sorted(table.to_pylist(), key=lambda row: float(row["start_seconds"])):
        if row["text"]:
            by_recording[row["recording_id"]].append(row)
    found = {}
    for rows in by_recording.values():
        for first, after in combinations(range(len(rows) + 1), 2):
            together = rows[first:after]
            if len(together) > PACK_SECONDS[1] + 1:
                continue
            ids = [row["segment_id"] for row in together]
            found[ids[0] if len(ids) == 1 else stable_id("packed", ids)] = Stretch(
                " ".join(row["text"] for row in together),
                json.loads(together[0]["metadata"])["speaker"],
                together[0]["uri"],
                together[0]["start_seconds"],
                together[-1]["end_seconds"],
            )
    return found


def is_plain(path: Path) -> bool:
    """Whether a recording has one channel of 16 bits, so that it tells what its cuts must be."""
    try:
        found = soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    return bool(found.channels == 1 and found.subtype == "PCM_16")


def write_manifest(data: Path, folder: Path, most: int | None) -> Path:
    """A manifest of such recordings, with a speaker each: the one stated, or the file."""
    lines = []
    with (data / "manifest.jsonl").open(encoding="utf-8") as known:
        speakers = {each["audio_filepath"]: each.get("speaker") for each in map(json.loads, known)}
    for path in sorted(data.rglob("*.*")):
        named = path.suffix in {".flac", ".wav"} and path.parent.name != "malformed"
        if named and is_plain(path):
            speaker = speakers.get(str(path.relative_to(data))) or path.name
            lines.append({"audio_filepath": str(path.absolute()), "speaker": speaker})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines[:most]), "utf-8")
    return manifest


def read(readers: Path, name: str, target: Path, clips: Path) -> list[dict[str, Any]]:
    """The library, and the items that it reads."""
    places = [target / split for split in SPLITS if (target / split).is_dir()]
    ran = subprocess.run(
        [readers, READ, name, clips, *places],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": str(target)},  # datasets would take an earlier export's cache
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def compared(
    readers: Path, output: Path, wanted: dict[str, Stretch], name: FormatName, way: str
) -> tuple[object, ...]:
    """Export, read and compare; a row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        target, clips = Path(folder, "export"), Path(folder, "clips")
        clips.mkdir()
        done = export(str(output), str(target), replace(WAYS[way], format=name))
        exported = sum(done.totals.items.values())
        about, *items = read(readers, name, target, clips)
        equal, alike = 0, []
        split_of: defaultdict[str, set[str]] = defaultdict(set)
        for each in items:
            stretch = wanted[each["id"]]
            split_of[stretch.speaker].add(each["split"])
            samples = np.load(clips / f"{each['id']}.npy")
            if way == "Opus":
                alike.append(stretch.correlation(samples))
                is_same = alike[-1] >= LEAST_CORRELATION
            else:
                is_same = np.array_equal(samples, stretch.samples)
            equal += each["text"] == stretch.text and is_same
    return (
        *(name, way, about["reader"], f"{len(items):,}", f"{exported:,}"),
        f"{100 * equal / exported:.1f} %",
        f"{sum(len(each) > 1 for each in split_of.values())}",
        *((f"{min(alike):.3f}", f"{np.mean(alike):.3f}") if alike else ("", "")),
    )


def main() -> int:
    """Transcribe, export and read; print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--readers", type=Path, default=Path(".venv-readers/bin/python"))
    parser.add_argument("--recordings", type=int, help="read no more than so many")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        manifest = write_manifest(given.data, Path(folder), given.recordings)
        flags = {"model": "placeholder", "segmenter": "fixed", "window_seconds": "1"}
        run(resolve(flags | {"manifest": str(manifest), "output": str(output)}))
        wanted = stretches(output)
        rows = [
            compared(given.readers, output, wanted, name, way)
            for way in WAYS
            for name in FORMATS
            if not (way == "Opus" and name in ONLY_WAV)
        ]
    print(machine_line(describe_machine()))
    print(markdown_table(HEADER, rows))
    return 0 if all(row[HEADER.index("equal")] == "100.0 %" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
