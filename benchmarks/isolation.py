"""Cost of decoding in a child process, against decoding in the process itself.

Usage: python benchmarks/isolation.py --data ../shared/data [--minutes=20] [--rounds=15]

Two works, each done with and without the child in every round, in turns: what comes before
recognition (decode, mix, search for speech, measure, resample), in this process, and a whole run of
the command with the placeholder as its model. Printed are the medians of wall and CPU seconds, and
the median of the ratios of the two in one round. Each round starts its child anew.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from machine import describe_machine, machine_line
from reference import markdown_table
from startup import Took, measure

from beam_audio.audio.isolated.decoding_child import end_idle
from beam_audio.types import AudioRef
from beam_audio.unit.clock import StageClock
from beam_audio.unit.prepare import prepare
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    from collections.abc import Callable


def manifest_of(data: Path, minutes: float) -> list[dict[str, object]]:
    """Lines of readable recordings of every folder, of some minutes in all."""
    lines = [json.loads(line) for line in (data / "manifest.jsonl").read_text().splitlines()]
    readable = [line for line in lines if line["decode_ok"] and line.get("duration")]
    chosen: list[dict[str, object]] = []
    left_seconds = minutes * 60
    for start in range(7):
        for line in readable[start::7]:
            if left_seconds > 0 and line["duration"] < left_seconds + 60:
                chosen.append({"audio_filepath": str(data.resolve() / line["audio_filepath"])})
                left_seconds -= line["duration"]
    return chosen


def prepared(paths: list[str], *, isolated: bool) -> Took:
    """Prepare all recordings in this process."""
    settings = replace(PrepareSettings(), isolate_decoding=isolated)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    for path in paths:
        for _ in prepare(AudioRef(path, size_bytes=0), settings, StageClock()):
            pass
    end_idle()
    return Took(_cpu_seconds() - cpu, time.perf_counter() - wall)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def ran(manifest: Path, *, isolated: bool) -> Took:
    """Run the command over a manifest, into an output of its own."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [f"--manifest={manifest}", f"--output={folder}/out", "--model=placeholder"]
        return measure(["run", *flags, f"--isolate_decoding={str(isolated).lower()}"], 0)


def compared(name: str, work: Callable[..., Took], rounds: int) -> tuple[object, ...]:
    """A line of the table."""
    work(isolated=True)
    plain: list[Took] = []
    child: list[Took] = []
    for number in range(rounds):
        first = number % 2 == 0
        took = {isolated: work(isolated=isolated) for isolated in (first, not first)}
        plain.append(took[False])
        child.append(took[True])
    cells: list[object] = [name]
    for kind in ("wall_seconds", "cpu_seconds"):
        before = [getattr(each, kind) for each in plain]
        after = [getattr(each, kind) for each in child]
        ratio = statistics.median(b / a for a, b in zip(before, after, strict=True))
        cells += [f"{statistics.median(before):.2f}", f"{statistics.median(after):.2f}"]
        cells += [f"{100 * (ratio - 1):+.1f} %"]
    return tuple(cells)


def main() -> None:
    """Run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    lines = manifest_of(arguments.data, arguments.minutes)
    paths = [str(line["audio_filepath"]) for line in lines]
    print(machine_line(describe_machine()), flush=True)
    print(f"{len(paths)} recordings, {arguments.minutes:g} minutes, {arguments.rounds} rounds\n")
    head = ("work", "wall s", "isolated", "more", "CPU s", "isolated", "more")
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.jsonl"
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        works: dict[str, Callable[..., Took]] = {
            "before recognition": partial(prepared, paths),
            "run, placeholder": partial(ran, manifest),
        }
        print(markdown_table(head, []), flush=True)
        for name, work in works.items():
            row = compared(name, work, arguments.rounds)
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
