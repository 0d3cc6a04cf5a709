"""Exports of real recordings, opened by the libraries of their formats: is everything equal?

python benchmarks/export_readers.py --data ../shared/data --readers .venv-readers/bin/python

Recordings of one channel and 16 bits are cut each second and transcribed with the placeholder.
Those whose headers lie are left out, as the comparison reads them by their headers. All segments
are exported as FLAC (WAV where a format needs it). What a library reads is compared with what the
recordings hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.dataset
import soundfile
from machine import describe_machine, machine_line
from reference import markdown_table

READ = Path(__file__).resolve().parents[1] / "tests" / "support" / "export_readers.py"
FORMATS = ("nemo", "nemo_tarred", "webdataset", "shar", "huggingface", "kaldi", "coqui")


def expected(output: Path) -> dict[str, tuple[str, str]]:
    """Text and hash of the samples of each segment, cut out of its recording."""
    table = pyarrow.dataset.dataset(output / "segments", partitioning="hive").to_table(
        columns=["segment_id", "uri", "start_seconds", "end_seconds", "text"]
    )
    found = {}
    for row in table.to_pylist():
        samples, rate_hz = soundfile.read(row["uri"], dtype="int16")
        start, end = (round(row[f"{each}_seconds"] * rate_hz) for each in ("start", "end"))
        digest = hashlib.sha256(samples[start:end].tobytes()).hexdigest()
        if row["text"]:
            found[row["segment_id"]] = (row["text"], digest)
    return found


def is_plain(path: Path) -> bool:
    """Whether a recording has one channel of 16 bits, so that it tells what its cuts must be."""
    try:
        found = soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    return bool(found.channels == 1 and found.subtype == "PCM_16")


def beam_audio(*words: str) -> None:
    """Run the command."""
    subprocess.run(
        [sys.executable, "-m", "beam_audio", *words], check=True, stdout=subprocess.DEVNULL
    )


def main() -> int:
    """Transcribe, export and read; print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--readers", type=Path, default=Path(".venv-readers/bin/python"))
    given = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        output, inputs = Path(folder, "output"), Path(folder, "inputs")
        inputs.mkdir()
        for number, path in enumerate(sorted(given.data.rglob("*.*"))):
            named = path.suffix in {".flac", ".wav"} and path.parent.name != "malformed"
            if named and is_plain(path):
                (inputs / f"{number}{path.suffix}").symlink_to(path.absolute())
        windows = ("--segmenter=fixed", "--window_seconds=1")
        flags = ("--model=placeholder", "--store_audio=flac", *windows)
        beam_audio("run", f"--input={inputs}", f"--output={output}", *flags)
        wanted = expected(output)
        for name in FORMATS:
            target = Path(folder, name)
            beam_audio(
                "export", str(output), f"--format={name}", f"--output={target}", "--where=1=1"
            )
            ran = subprocess.run(
                [given.readers, READ, name, target],
                check=True,
                capture_output=True,
                text=True,
                env=os.environ | {"HOME": folder},  # datasets would take an earlier export's cache
            )
            about, *items = [json.loads(line) for line in ran.stdout.splitlines()]
            equal = sum(wanted.get(each["id"]) == (each["text"], each["samples"]) for each in items)
            share = f"{100 * equal / len(wanted):.1f} %"
            rows.append((name, about["reader"], f"{len(items):,}", f"{len(wanted):,}", share))
    print(machine_line(describe_machine()))
    print(markdown_table(("format", "reader", "items", "segments with text", "equal"), rows))
    return 0 if all(row[-1] == "100.0 %" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
