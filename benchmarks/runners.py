"""Cost of each runner: the same clips on every one, against a plain loop of units, in one table.

The loop calls the function that does a unit, ``transcribe_unit``, with no Beam around it; every
runner calls the same in its workers. Each is a process of its own, started again every round, in
turns. "Work" is the loop, or the graph from its start to its end, workers' start included; "whole"
is the process, with imports, checks, the model, and for Flink the job server. Start the Flink
cluster first; make flink-up and make prism fetch what is needed.

    python benchmarks/runners.py --data ../shared/data --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from corpus import english_recordings, write_manifest
from machine import describe_machine, machine_line
from reference import markdown_table

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = ROOT / "templates" / "flink" / "cluster.py"
FLINK_PORT = 18081
LOOP = "plain loop"
RUNNERS = {
    "in memory": (),
    "multi_threading × 2": ("--direct_running_mode=multi_threading", "--direct_num_workers=2"),
    "multi_processing × 2": ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
    "Prism": ("--runner=PrismRunner",),
    "Flink, 2 TaskManagers": (
        "--runner=FlinkRunner",
        f"--flink_master=127.0.0.1:{FLINK_PORT}",
        f"--flink_job_server_jar={ROOT}/.flink/job-server.jar",
        "--parallelism=2",
        "--environment_type=PROCESS",
        f'--environment_config={{"command": "{ROOT}/templates/flink/worker.py"}}',
    ),
}


@dataclass(slots=True)
class Measured:
    """Seconds of each round."""

    work: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


def main() -> None:
    """Run the rounds, print a table a model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default="placeholder,whisper-tiny.en")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--unit_bytes", type=int, default=1 << 20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="12 clips, one round, the placeholder")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--loop", type=Path, help=argparse.SUPPRESS)  # the loop's own process
    arguments = parser.parse_args()
    if arguments.loop:
        print(loop(arguments.loop, arguments.models, arguments.unit_bytes))
        return
    if arguments.quick:
        arguments.models, arguments.clips, arguments.rounds = "placeholder", 12, 1
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, *clips = english_recordings(arguments.data, folder)
        chosen = clips[:: max(1, len(clips) // arguments.clips)][: arguments.clips]
        write_manifest(chosen, folder / "m.jsonl")
        seconds = sum(clip.seconds for clip in chosen)
        print(f"{len(chosen)} clips of {seconds / 60:.1f} minutes, {arguments.rounds} rounds")
        options = [f"--port={FLINK_PORT}", f"--state={folder / 'flink'}"]
        subprocess.run([sys.executable, CLUSTER, "up", *options], check=True)
        try:
            found = {
                model: measure(folder, model, arguments.unit_bytes, arguments.rounds)
                for model in arguments.models.split(",")
            }
        finally:
            subprocess.run([sys.executable, CLUSTER, "down", options[-1]], check=True)
    for model, measured in found.items():
        print(f"\n{model}\n")
        print(table(measured))
    if arguments.json:
        figures = {
            model: {
                name: {"work_seconds": each.work, "whole_seconds": each.whole}
                for name, each in measured.items()
            }
            for model, measured in found.items()
        }
        print(json.dumps({"machine": machine, "audio_seconds": seconds, "figures": figures}))


def measure(folder: Path, model: str, unit_bytes: int, rounds: int) -> dict[str, Measured]:
    """Every runner once a round, in turns."""
    common = [f"--manifest={folder / 'm.jsonl'}", f"--model={model}", f"--unit_bytes={unit_bytes}"]
    command = [sys.executable, "-m", "beam_audio", "run", *common]
    looped = [sys.executable, __file__, f"--loop={folder / 'm.jsonl'}", f"--models={model}"]
    measured = {name: Measured() for name in (LOOP, *RUNNERS)}
    for number in range(rounds):
        for name in measured if number % 2 == 0 else reversed(measured):
            with tempfile.TemporaryDirectory(dir=folder) as output:
                start = time.perf_counter()
                if name == LOOP:
                    work = float(_run([*looped, f"--unit_bytes={unit_bytes}"]).split()[-1])
                else:
                    _run([*command, f"--output={output}", *RUNNERS[name]])
                    (run_file,) = Path(output).glob("run-*.json")
                    work = json.loads(run_file.read_text())["throughput"]["wall_seconds"]
                measured[name].whole.append(time.perf_counter() - start)
                measured[name].work.append(work)
            line = f"{model}, round {number + 1}: {name} {work:.1f} s"
            print(line, file=sys.stderr, flush=True)
    return measured


def _run(command: list[str]) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def loop(manifest: Path, model: str, unit_bytes: int) -> float:
    """Seconds to do the units of a manifest one after the other, the model loaded before."""
    from beam_audio.asr import model_facts  # noqa: PLC0415
    from beam_audio.command.flags import resolve  # noqa: PLC0415
    from beam_audio.inputs.found import input_of  # noqa: PLC0415
    from beam_audio.inputs.listing import read_lines  # noqa: PLC0415
    from beam_audio.run import job  # noqa: PLC0415
    from beam_audio.run.job_settings import settings_by_model  # noqa: PLC0415
    from beam_audio.unit.packing import pack  # noqa: PLC0415
    from beam_audio.unit.tasks import Task  # noqa: PLC0415
    from beam_audio.unit.transcribe import UnitRun, transcribe_unit  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as output:
        config = resolve({"manifest": str(manifest), "output": output, "model": model})
        settings = settings_by_model(config)(model_facts(model))
        recognizer = job.model_handler(config).load_recognizer()
        run = UnitRun(settings=settings, recognizer=recognizer, root=output)
        start = time.perf_counter()
        tasks = [Task(input_of(line)) for line in read_lines(str(manifest))]
        for unit in pack(tasks, unit_bytes):
            transcribe_unit(unit, run)
        return time.perf_counter() - start


def table(measured: dict[str, Measured]) -> str:
    """Medians, and their ratio to the loop's."""
    base = measured[LOOP]
    rows: list[tuple[object, ...]] = []
    for name, each in measured.items():
        work, whole = statistics.median(each.work), statistics.median(each.whole)
        over = statistics.median(a / b for a, b in zip(each.work, base.work, strict=True))
        rows.append(
            (
                name,
                f"{work:.1f}",
                f"{over:.2f}",
                f"{work - statistics.median(base.work):+.1f}",
                f"{whole:.1f}",
            )
        )
    header = ("", "work s", "× the loop", "s over the loop", "whole s")
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
