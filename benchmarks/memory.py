"""Peak memory of a run over a long recording against a short one, all of its processes together.

Usage: python benchmarks/memory.py --data ../shared/data [--model whisper-tiny.en] [--json]

Joins LibriSpeech clips into recordings of 5 minutes and 2 hours, runs ``beam-audio run`` on each in
a process of its own, and prints the peak memory of both and their ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import peak_mebibytes
from reference import join_clips

MINUTES = (5, 120)


def peak_of_run(recording: Path, flags: list[str]) -> float:
    """Peak memory of a run over one recording, in MiB."""
    with tempfile.TemporaryDirectory() as output:
        command = ["beam_audio", "run", f"--input={recording}", f"--output={output}", *flags]
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL)
        peak = peak_mebibytes(process)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    return peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    known, flags = parser.parse_known_args()
    clips = sorted((known.data / "librispeech").glob("*.flac"))
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            recording = Path(folder) / f"{minutes}.flac"
            join_clips(clips, 60 * minutes, recording)
            peaks[minutes] = peak_of_run(recording, flags)
    ratio = peaks[MINUTES[-1]] / peaks[MINUTES[0]]
    print(f"{os.cpu_count()} cores, {platform.platform()}; flags: {' '.join(flags) or 'none'}\n")
    print("| minutes | peak MiB | ratio |\n| ---: | ---: | ---: |")
    for minutes, peak in peaks.items():
        print(f"| {minutes} | {peak:.0f} | {peak / peaks[MINUTES[0]]:.2f} |")
    if known.json:
        print(json.dumps({"peak_mebibytes": peaks, "ratio": ratio}))


if __name__ == "__main__":
    main()
