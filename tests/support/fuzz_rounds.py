"""Fuzzing by hand: rounds of the tests in tests/fuzz, each with its own seed, for some minutes.

python tests/support/fuzz_rounds.py --minutes=45

Inputs that fail are kept in ``.fuzz/``: ``.failed`` in the smallest form that was found, ``.died``
where the process ended. Hypothesis keeps them too, and tries them first the next time.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fuzz_round(folder: Path, seconds: float, seed: int) -> int | None:
    """Try each test once, for at most so long; the exit status, None if time was up."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/fuzz", f"--hypothesis-seed={seed}"]
    environment = os.environ | {"BEAM_AUDIO_FUZZ": str(folder)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        status = None
    for path in folder.glob("*.running"):
        if status is None:
            path.unlink()
        else:
            path.replace(path.with_suffix(".died"))
    return status


def main() -> None:
    """Try, and say what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--folder", type=Path, default=ROOT / ".fuzz")
    given = parser.parse_args()
    given.folder.mkdir(exist_ok=True)
    end = time.monotonic() + 60 * given.minutes
    statuses: list[int | None] = []
    while (left := end - time.monotonic()) > 0:
        seed = random.randrange(1 << 32)
        print(f"round {len(statuses) + 1}, seed {seed}", flush=True)
        statuses.append(fuzz_round(given.folder, left, seed))
    kept = sorted(path.name for path in given.folder.iterdir())
    print(f"{len(statuses)} rounds; kept in {given.folder}: {', '.join(kept) or 'nothing'}")
    raise SystemExit(any(statuses))


if __name__ == "__main__":
    main()
