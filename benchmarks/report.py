"""Time, memory and size of a report on a synthetic output.

python benchmarks/report.py --segments 1000000
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine, machine_line, peak_mebibytes
from reference import markdown_table
from synthetic_output import write_output

GOAL_SECONDS = 60.0
GOAL_MEGABYTES = 25.0


def main() -> int:
    """Make the output, report on it in a process of its own, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    segments = parser.parse_args().segments
    with tempfile.TemporaryDirectory() as folder:
        output, page = Path(folder, "output"), Path(folder, "report.html")
        write_output(output, segments)
        command = [sys.executable, "-m", "beam_audio", "report", str(output), f"--page={page}"]
        start = time.monotonic()
        with subprocess.Popen(command) as process:
            peak = peak_mebibytes(process)
        seconds, megabytes = time.monotonic() - start, page.stat().st_size / 1e6
    print(machine_line(describe_machine()))
    figures = [f"{segments:,}", f"{seconds:.1f}", f"{peak:.0f}", f"{megabytes:.1f}"]
    print(markdown_table(("segments", "seconds", "peak MiB", "page MB"), [tuple(figures)]))
    return int(process.returncode or seconds >= GOAL_SECONDS or megabytes >= GOAL_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
