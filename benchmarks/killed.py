"""A run over recordings, some of them hostile, that is killed again and again, against a calm one.

Each kill ends the whole process group at once when so many units are committed. Then the same
command does the rest. The rows must be those of a run that nobody disturbed.

    python benchmarks/killed.py --recordings=5000 --kills=10
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from machine import describe_machine, machine_line
from many import write_recordings
from reference import markdown_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # the tests make the same inputs, and read rows

from support.hostile_audio import AUDIO_FAMILIES  # noqa: E402
from support.run_outputs import all_rows, commit_files, run_files  # noqa: E402

HOSTILE_SHARE: Final = 0.05
UNIT_BYTES: Final = 1 << 17
LIMIT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows of the calm run and of the killed one, and whether they are the same."""

    recordings: int
    hostile: int
    kills: int
    rows: int
    failures: int
    same_rows: bool
    ledgers_balance: bool
    calm_seconds: float
    killed_seconds: float

    @property
    def is_right(self) -> bool:
        """Whether killing changed nothing."""
        return self.same_rows and self.ledgers_balance


def write_inputs(folder: Path, count: int) -> int:
    """Recordings of a second, one in twenty replaced by something hostile; returns how many."""
    write_recordings(folder, count, count)
    rng = random.Random(5)
    chosen = rng.sample(sorted(folder.rglob("*.wav")), round(count * HOSTILE_SHARE))
    for path in chosen:
        path.write_bytes(rng.choice([*AUDIO_FAMILIES.values()])(rng))
    return len(chosen)


def start(audio: Path, output: Path) -> subprocess.Popen[bytes]:
    """The command, in a process group of its own."""
    command = [sys.executable, "-m", "beam_audio", "run", f"--input={audio}", f"--output={output}"]
    return subprocess.Popen(
        [*command, "--model=placeholder", f"--unit_bytes={UNIT_BYTES}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_at(process: subprocess.Popen[bytes], output: Path, commits: int, pause: float) -> None:
    """Kill a run a moment after so many units are committed.

    Raises:
        SystemExit: The run was over before.
    """
    while process.poll() is None and len(commit_files(output)) < commits:
        time.sleep(0.005)
    time.sleep(pause)
    if process.poll() is not None:
        raise SystemExit("the run was over before it could be killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def measure(folder: Path, count: int, kills: int) -> Figures:
    """Run calmly, run with kills, compare."""
    audio, calm, killed = folder / "audio", folder / "calm", folder / "killed"
    audio.mkdir()
    hostile = write_inputs(audio, count)
    begun = time.monotonic()
    start(audio, calm).wait(LIMIT_SECONDS)
    calm_seconds = time.monotonic() - begun
    rng = random.Random(6)
    begun = time.monotonic()
    for commits in sorted(rng.sample(range(1, len(commit_files(calm)) - 2), kills)):
        kill_at(start(audio, killed), killed, commits, rng.uniform(0.0, 0.05))
    start(audio, killed).wait(LIMIT_SECONDS)
    rows, again = all_rows(calm), all_rows(killed)
    ledgers = [json.loads(run_files(each)[-1].read_bytes())["ledger"] for each in (calm, killed)]
    return Figures(
        recordings=count,
        hostile=hostile,
        kills=kills,
        rows=sum(map(len, rows.values())),
        failures=len(rows["failures"]),
        same_rows=rows == again,
        ledgers_balance=all(each["balances"] and each["listed"] == count for each in ledgers),
        calm_seconds=calm_seconds,
        killed_seconds=time.monotonic() - begun,
    )


def main() -> None:
    """Measure and print; an error if killing changed anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recordings", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given.recordings, given.kills)
    header = (
        *("recordings", "hostile", "kills", "rows", "failure rows", "same rows", "balanced"),
        *("calm s", "killed s"),
    )
    row = (
        *(f"{found.recordings:,}", found.hostile, found.kills, f"{found.rows:,}", found.failures),
        *(found.same_rows, found.ledgers_balance),
        *(f"{found.calm_seconds:.0f}", f"{found.killed_seconds:.0f}"),
    )
    print(f"{machine_line(describe_machine())}\n\n{markdown_table(header, [row])}")
    if not found.is_right:
        raise SystemExit("a killed run ended with other rows")


if __name__ == "__main__":
    main()
