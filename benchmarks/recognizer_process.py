"""Cost of the recogniser's own process: units of recordings with it and without, in turns.

Each round does the same units once with the model in a child process and once with the model in
this one, from encoded bytes to committed rows, without Beam. The table shows medians over the
rounds, of wall seconds and of CPU seconds of all processes, and the median of the rounds' ratios.
Loading and memory are measured in processes of their own.

    python benchmarks/recognizer_process.py --data ../shared/data --model whisper-tiny.en
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from machine import describe_machine, machine_line, processes, used_mebibytes
from reference import markdown_table

from beam_audio.asr import load_model, model_facts
from beam_audio.asr.isolated.recognizer import IsolatedRecognizer
from beam_audio.command.flags import resolve
from beam_audio.run.job_settings import settings_by_model
from beam_audio.types import AudioRef
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit, UnitRun, transcribe_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr import Recognizer
    from beam_audio.run.config import RunConfig

PLACES: Final = ("own process", "this process")
_HZ: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall time, and of CPU time of this process and those below it."""

    wall: float
    cpu: float


def load(config: RunConfig, place: str) -> Recognizer:
    """The model in one of the places."""
    kind: Callable[..., Recognizer] = IsolatedRecognizer if place == PLACES[0] else load_model
    return kind(config.model, config.model_options)


def work(config: RunConfig, files: list[Path], recognizer: Recognizer) -> None:
    """One unit of these files."""
    settings = settings_by_model(config)(recognizer.facts)
    tasks = [Task(AudioRef(str(path), path.stat().st_size)) for path in files]
    with tempfile.TemporaryDirectory() as root:
        transcribe_unit(
            Unit.of(tasks), UnitRun(settings=settings, recognizer=recognizer, root=root)
        )


def cpu_seconds() -> float:
    """CPU time of these processes so far."""
    stats = [
        (each / "stat").read_text("utf-8").rpartition(")")[2].split()
        for each in processes(os.getpid())
    ]
    return sum(int(user) + int(system) for *_, user, system in (each[:13] for each in stats)) / _HZ


def spent(act: Callable[[], object]) -> Spent:
    """What it takes to do something."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    act()
    return Spent(time.perf_counter() - wall, cpu_seconds() - cpu)


def measure_once(config: RunConfig, files: list[Path], place: str) -> None:
    """Print seconds of loading, and the memory of all processes after a unit."""
    loaded: list[Recognizer] = []
    loading = spent(lambda: loaded.append(load(config, place)))
    work(config, files, loaded[0])
    print(loading.wall, loading.cpu, used_mebibytes(os.getpid()))


def in_turns(config: RunConfig, files: list[Path], rounds: int) -> dict[str, list[Spent]]:
    """What a unit takes in each place, round by round."""
    models = {place: load(config, place) for place in PLACES}
    found: dict[str, list[Spent]] = {place: [] for place in PLACES}
    for number in range(-1, rounds):  # the first round warms up
        for place in PLACES if number % 2 else reversed(PLACES):
            gc.collect()
            took = spent(lambda place=place: work(config, files, models[place]))  # type: ignore[misc]
            if number >= 0:
                found[place].append(took)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="placeholder")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--once", choices=PLACES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    config = resolve({"input": "unused", "output": "unused", "model": given.model})
    files = sorted((given.data / "librispeech").glob("*.flac"))[: given.files]
    if given.once:
        measure_once(config, files, given.once)
        return
    print(machine_line(describe_machine()))
    print(f"{model_facts(given.model).model_id}, {len(files)} recordings, {given.rounds} rounds\n")
    found = in_turns(config, files, given.rounds)
    rows: list[tuple[object, ...]] = []
    for place in PLACES:
        command = [sys.executable, __file__, f"--data={given.data}", f"--model={given.model}"]
        command += [f"--files={given.files}", f"--once={place}"]
        once = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        load_wall, load_cpu, mebibytes = map(float, once.split())
        wall = statistics.median(each.wall for each in found[place])
        cpu = statistics.median(each.cpu for each in found[place])
        loading = f"{load_wall:.2f} / {load_cpu:.2f}"
        rows.append((place, f"{wall:.2f}", f"{cpu:.2f}", loading, f"{mebibytes:.0f}"))
    columns = ("model in", "wall s", "CPU s", "load: wall / CPU s", "MiB")
    print(markdown_table(columns, rows))
    pairs = list(zip(*found.values(), strict=True))
    wall = statistics.median(own.wall / this.wall for own, this in pairs)
    cpu = statistics.median(own.cpu / this.cpu for own, this in pairs)
    print(f"\nown / this, median of {len(pairs)} ratios: wall {wall:.3f}, CPU {cpu:.3f}")


if __name__ == "__main__":
    main()
