"""Cost of a recording when there are very many, in one table.

Makes recordings of a second (telephone rate, real speech cut at different places), runs them with
the placeholder model on the local runner, each count in a process of its own, and prints
throughput, processor time, when the first unit was committed, peak memory of all its processes
together, files written, bytes that went through a shuffle, and the cost of a recording against the
first count. With ``--distinct`` most recordings are hard links to the first ones. With ``--kills``
each count is run once more, killed so many times and resumed: the rows must be the same.

    python benchmarks/many.py --counts 10000,300000 --distinct 1000 --kills 5 --json
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.dataset
import soundfile
from machine import cpu_seconds, describe_machine, machine_line, peak_mebibytes
from reference import markdown_table

from beam_audio.command.flags import resolve
from beam_audio.run import batch
from beam_audio.store.output_names import COMMITS

RATE_HZ = 8_000
GOAL_RATIO = 1.2
GOAL_SHUFFLE_BYTES = 4096
KILL_LOOK_SECONDS = 0.1
CLIP = Path(__file__).resolve().parents[1] / "beam_audio" / "data" / "demo" / "river.wav"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: seconds of the whole command, and of its graph alone."""

    recordings: int
    command_seconds: float
    cpu_seconds: float
    first_commit_seconds: float
    graph_seconds: float
    peak_mebibytes: float
    part_files: int
    output_mebibytes: float
    shuffled_bytes: int

    @property
    def seconds_each(self) -> float:
        """Cost of a recording in processor time, start-up shared among all."""
        return self.cpu_seconds / self.recordings


def write_recordings(folder: Path, count: int, distinct: int) -> None:
    """Recordings of a second of speech, each cut at a place of its own; the rest are links."""
    samples, rate_hz = soundfile.read(CLIP, dtype="int16")
    telephone = samples[:: rate_hz // RATE_HZ]
    places = len(telephone) - RATE_HZ
    for index in range(count):
        path = folder / f"{index // 1000:04}" / f"{index:07}.wav"
        path.parent.mkdir(exist_ok=True)
        if index >= distinct:
            original = index % distinct
            path.hardlink_to(folder / f"{original // 1000:04}" / f"{original:07}.wav")
            continue
        start = index * 7919 % places
        cut = np.append(telephone[start : start + RATE_HZ - 1], np.int16(index // places))
        soundfile.write(path, cut, RATE_HZ, subtype="PCM_16")


def measure(audio: Path, count: int, flags: list[str], kills: int) -> Figures:
    """Run the command in a process of its own; then again with kills, if there are to be any."""
    with tempfile.TemporaryDirectory(dir=audio.parent) as output:
        command = [sys.executable, __file__, "--one", str(audio), output, *flags]
        start, began = time.monotonic(), time.time()
        with tempfile.TemporaryFile("w+") as printed:
            process = subprocess.Popen(command, stdout=printed)
            peak = peak_mebibytes(process)
            seconds = time.monotonic() - start
            printed.seek(0)
            *_, last = printed
        if process.returncode != 0:
            raise SystemExit(
                f"a run over {count} recordings ended with status {process.returncode}"
            )
        figures = json.loads(last)
        parts = list(Path(output).rglob("*.parquet"))
        records = list(Path(output, COMMITS).glob("*.json"))
        if figures["recordings"] != count:
            raise SystemExit(f"{figures['recordings']} rows of {count} recordings")
        if kills:
            with tempfile.TemporaryDirectory(dir=audio.parent) as killed:
                kill_and_resume([*command[:4], killed, *flags], Path(killed), len(records), kills)
                require_same_rows(Path(output), Path(killed))
        return Figures(
            recordings=count,
            command_seconds=seconds,
            cpu_seconds=figures["cpu_seconds"],
            first_commit_seconds=min(path.stat().st_mtime for path in records) - began,
            graph_seconds=figures["graph_seconds"],
            peak_mebibytes=peak,
            part_files=len(parts),
            output_mebibytes=sum(path.stat().st_size for path in parts) / (1 << 20),
            shuffled_bytes=figures["shuffled_bytes"],
        )


def kill_and_resume(command: list[str], output: Path, units: int, kills: int) -> None:
    """Kill a run at equal distances from its beginning to its end, then let it end."""
    for number in range(1, kills + 1):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        while len(list(Path(output, COMMITS).glob("*.json"))) < units * number / (kills + 1):
            time.sleep(KILL_LOOK_SECONDS)
            if process.poll() is not None:
                raise SystemExit("the run was over before it could be killed")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def require_same_rows(output: Path, other: Path) -> None:
    """Compare all tables but for what is outside identity."""
    for table, name in (("recordings", "recording_id"), ("segments", "segment_id")):
        first, second = (
            pyarrow.dataset.dataset(each / table, partitioning="hive").to_table().sort_by(name)
            for each in (output, other)
        )
        if not first.equals(second):
            raise SystemExit(f"{table} of the killed run differ")


def run_one(audio: str, output: str, flags: list[str]) -> None:
    """In the child: run, counting what the runner's grouping buffers take in."""
    from apache_beam.runners.portability.fn_api_runner import execution  # noqa: PLC0415

    shuffled = 0
    append = execution.GroupingBuffer.append

    def counted(self: execution.GroupingBuffer, elements: bytes) -> None:
        nonlocal shuffled
        shuffled += len(elements)
        append(self, elements)

    execution.GroupingBuffer.append = counted
    given = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    settings = resolve({"input": audio, "output": output, "model": "placeholder"} | given)
    result = batch.run(settings)
    figures = {
        "recordings": result.ledger.recordings,
        "graph_seconds": result.wall_seconds,
        "cpu_seconds": cpu_seconds(os.getpid()),
        "shuffled_bytes": shuffled,
    }
    print(json.dumps(figures))
    raise SystemExit(result.exit_status)


def table(measured: list[Figures]) -> str:
    """One line a count."""
    header = (
        *("recordings", "command s", "CPU s", "first commit s", "recordings/s", "peak MiB"),
        *("part files", "output MiB", "shuffled bytes each", "cost each, ratio"),
    )
    rows: list[tuple[object, ...]] = [
        (
            f"{each.recordings:,}",
            f"{each.command_seconds:.1f}",
            f"{each.cpu_seconds:.1f}",
            f"{each.first_commit_seconds:.1f}",
            f"{each.recordings / each.command_seconds:.0f}",
            f"{each.peak_mebibytes:.0f}",
            f"{each.part_files}",
            f"{each.output_mebibytes:.1f}",
            f"{each.shuffled_bytes / each.recordings:.0f}",
            f"{each.seconds_each / measured[0].seconds_each:.2f}",
        )
        for each in measured
    ]
    return markdown_table(header, rows)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2], sys.argv[3], sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--counts", default="1000,100000", help="recordings, one run each")
    parser.add_argument("--distinct", type=int, help="recordings that are no links; default all")
    parser.add_argument("--kills", type=int, default=0, help="of a second run of each count")
    parser.add_argument("--folder", default=None, help="where audio and output go for the time")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    known, flags = parser.parse_known_args()
    measured = []
    for count in map(int, known.counts.split(",")):
        with tempfile.TemporaryDirectory(dir=known.folder) as folder:
            audio = Path(folder) / "audio"
            audio.mkdir()
            write_recordings(audio, count, known.distinct or count)
            measured.append(measure(audio, count, flags, known.kills))
            print(measured[-1], file=sys.stderr, flush=True)
    machine = describe_machine()
    print(f"{machine_line(machine)}; flags: {' '.join(flags) or 'none'}\n\n{table(measured)}\n")
    print(f"goals: cost at most {GOAL_RATIO} ×, shuffled bytes below {GOAL_SHUFFLE_BYTES} each")
    if known.json:
        print(json.dumps({"machine": machine, "runs": [asdict(each) for each in measured]}))


if __name__ == "__main__":
    main()
