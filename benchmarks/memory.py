"""Memory and processor time of a run over a long recording against a short one, all its processes.

Usage: python benchmarks/memory.py --data ../shared/data [--minutes=5,120] [--json] [flags of run]

Joins LibriSpeech clips into recordings of so many minutes, runs ``beam-audio run`` on each in a
process of its own, and prints the peak memory of both, their ratio, and the seconds of audio for
each second of a processor.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import peak_mebibytes
from reference import join_clips

MINUTES = "5,120"


def peak_and_cpu_seconds(recording: Path, flags: list[str]) -> tuple[float, float]:
    """Peak memory of a run over one recording, in MiB, and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as output:
        command = ["beam_audio", "run", f"--input={recording}", f"--output={output}", *flags]
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL)
        peak = peak_mebibytes(process)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return peak, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", default=MINUTES, help="lengths, the shortest first")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    known, flags = parser.parse_known_args()
    clips = sorted((known.data / "librispeech").glob("*.flac"))
    lengths = [int(each) for each in known.minutes.split(",")]
    peaks, cpu_seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in lengths:
            recording = Path(folder) / f"{minutes}.flac"
            join_clips(clips, 60 * minutes, recording)
            peaks[minutes], cpu_seconds[minutes] = peak_and_cpu_seconds(recording, flags)
    ratio = peaks[lengths[-1]] / peaks[lengths[0]]
    print(f"{os.cpu_count()} cores, {platform.platform()}; flags: {' '.join(flags) or 'none'}\n")
    print(
        "| minutes | peak MiB | ratio | × real time per CPU second |\n| ---: | ---: | ---: | ---: |"
    )
    for minutes, peak in peaks.items():
        speed = 60 * minutes / cpu_seconds[minutes]
        print(f"| {minutes} | {peak:.0f} | {peak / peaks[lengths[0]]:.2f} | {speed:.1f} |")
    if known.json:
        print(json.dumps({"peak_mebibytes": peaks, "cpu_seconds": cpu_seconds, "ratio": ratio}))


if __name__ == "__main__":
    main()
