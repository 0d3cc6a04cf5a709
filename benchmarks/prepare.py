"""How preparing audio scales with cores, in one table. No model and no GPU is needed.

Prepares recordings of five minutes (LibriSpeech clips joined, FLAC, 16 kHz): opens, decodes, splits
and measures them, as many at once as asked for. What comes is thrown away, as by a recogniser that
costs nothing. Each number of recordings at once has the same audio for each of them. It is measured
in child processes, as a run does it, and in threads, as --isolate_decoding=false does it. Start-up
is not counted. CPU seconds are those of all processes; the share of the parent is its own.

    python benchmarks/prepare.py --processes=1,2,4,8,16 --json
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from machine import describe_machine, machine_line, peak_mebibytes, processes
from reference import join_clips, markdown_table

from beam_audio.types import AudioRef
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment
from beam_audio.unit.prepare import prepare
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.read_ahead import places_of_cores, read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.unit.events import Event

FILE_MINUTES: Final = 5
FILES: Final = 4
WAYS: Final = ("children", "threads")
BUDGET_SECONDS: Final = 960.0
"""How far ahead of the recogniser audio is prepared: a batch for a large GPU."""
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """One measurement, after start-up.

    Attributes:
        at_once: Recordings at once.
        way: ``children`` or ``threads``.
        audio_seconds: Audio that was prepared.
        wall_seconds: Time it took.
        cpu_seconds: CPU time of all processes.
        parent_cpu_seconds: CPU time of the parent among it.
        peak_mebibytes: The most memory of all processes, with start-up.
    """

    at_once: int
    way: str
    audio_seconds: float
    wall_seconds: float
    cpu_seconds: float
    parent_cpu_seconds: float
    peak_mebibytes: float = 0.0

    @property
    def times_real_time(self) -> float:
        """Seconds of audio in a second."""
        return self.audio_seconds / self.wall_seconds

    @property
    def cpu_seconds_an_hour(self) -> float:
        """CPU time of all processes for an hour of audio."""
        return self.cpu_seconds / self.audio_seconds * 3600

    @property
    def parent_cpu_seconds_an_hour(self) -> float:
        """CPU time of the parent for an hour of audio."""
        return self.parent_cpu_seconds / self.audio_seconds * 3600


def prepare_all(paths: list[str], at_once: int, way: str) -> float:
    """Prepare recordings, and drop what comes; returns the seconds of audio in segments."""
    settings = PrepareSettings(isolate_decoding=way == "children")
    clock = StageClock()

    def events() -> Iterator[Iterator[Event]]:
        for path in paths:
            yield prepare(AudioRef(path, size_bytes=0), settings, clock)

    places = places_of_cores(at_once)
    with read_ahead(
        events(), seconds=_event_seconds, budget_seconds=BUDGET_SECONDS, places=places
    ) as ready:
        return sum(map(_event_seconds, ready))


def _event_seconds(event: Event) -> float:
    return event.segment.duration_seconds if isinstance(event, PreparedSegment) else 0.0


def cpu_seconds() -> tuple[float, float]:
    """CPU time so far of this process with all that it started, and of this process alone."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    parent, *children = map(_cpu_seconds, processes(os.getpid()))
    return parent + sum(children) + ended.ru_utime + ended.ru_stime, parent


def _cpu_seconds(process: Path) -> float:
    with suppress(OSError):
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
    return 0.0


def measure_here(folder: str, at_once: int, way: str, files_each: int) -> Figures:
    """Measure in this process, after each child has prepared a recording."""
    files = sorted(map(str, Path(folder).glob("*.flac")))
    warm_up = threading.Barrier(at_once)

    def start() -> None:
        warm_up.wait()
        prepare_all(files[:1], 1, way)

    threads = [threading.Thread(target=start) for _ in range(at_once)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    paths = [files[number % len(files)] for number in range(files_each * at_once)]
    before, wall = cpu_seconds(), time.perf_counter()
    prepare_all(paths, at_once, way)
    wall = time.perf_counter() - wall
    total, parent = (after - before for after, before in zip(cpu_seconds(), before, strict=True))
    return Figures(at_once, way, len(paths) * FILE_MINUTES * 60, wall, total, parent)


def measure(folder: str, at_once: int, way: str, files_each: int) -> Figures:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", folder, str(at_once), way, str(files_each)]
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, stdout=printed)
        peak = peak_mebibytes(process)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
        printed.seek(0)
        return Figures(**json.loads(printed.read()) | {"peak_mebibytes": peak})


def table(measured: list[Figures]) -> str:
    """Medians: one line for a number of recordings at once and a way."""
    header = (
        *("at once", "in", "× real time", "against one", "CPU s an hour", "parent's"),
        "peak MiB",
    )
    rows: list[tuple[object, ...]] = []
    for at_once, way in dict.fromkeys((each.at_once, each.way) for each in measured):
        these = [each for each in measured if (each.at_once, each.way) == (at_once, way)]
        one = [each for each in measured if (each.at_once, each.way) == (measured[0].at_once, way)]
        speed = _median(these, "times_real_time")
        rows.append(
            (
                at_once,
                way,
                f"{speed:,.0f}",
                f"{speed / _median(one, 'times_real_time'):.2f}",
                f"{_median(these, 'cpu_seconds_an_hour'):.1f}",
                f"{_median(these, 'parent_cpu_seconds_an_hour'):.2f}",
                f"{_median(these, 'peak_mebibytes'):.0f}",
            )
        )
    return markdown_table(header, rows)


def _median(measured: list[Figures], name: str) -> float:
    values: list[float] = [getattr(each, name) for each in measured]
    return statistics.median(values)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--one"]:
        audio, number_at_once, way, number_each = sys.argv[2:]
        measured_here = measure_here(audio, int(number_at_once), way, int(number_each))
        print(json.dumps(asdict(measured_here)))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--processes", default="1,2,4,8,16", help="recordings at once")
    parser.add_argument("--minutes", type=int, default=30, help="audio for each of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        clips = sorted((arguments.data / "librispeech").glob("*.flac"))
        for number in range(FILES):
            part = clips[number::FILES]
            join_clips(part, FILE_MINUTES * 60, Path(folder) / f"{number}.flac")
        for _ in range(arguments.rounds):
            for at_once in map(int, arguments.processes.split(",")):
                files_each = max(1, arguments.minutes // FILE_MINUTES)
                measured += [measure(folder, at_once, way, files_each) for way in WAYS]
    loads = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"load over the last 1, 5 and 15 minutes: {loads}\n\n{table(measured)}", flush=True)
    if arguments.json:
        print(json.dumps({"machine": machine, "runs": [asdict(each) for each in measured]}))


if __name__ == "__main__":
    main()
