"""A Flink cluster on this machine: a JobManager and two TaskManagers, which start Python workers.

    python templates/flink/cluster.py up [--port=8081] [--state=.flink/run]
    python templates/flink/cluster.py down [--state=.flink/run]

Flink's REST API gets the port, and what the TaskManagers speak to the next one. ``make flink-up``
fetches what is needed first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".flink"
TASK_MANAGERS = ("taskmanager-1", "taskmanager-2")
SLOTS = 2 * len(TASK_MANAGERS)
START_SECONDS = 120
STOP_SECONDS = 20
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_SIZES = "org.apache.flink.runtime.util.bash.BashJavaUtils"
_SIZES_MARK = "BASH_JAVA_UTILS_EXEC_RESULT:"
_MARK = b"org.apache.flink"


def main() -> None:
    """Start or stop the cluster."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=("up", "down"))
    parser.add_argument("--port", type=int, default=8081, help="the first of two free ports")
    parser.add_argument("--state", type=Path, default=HOME / "run", help="pid files, logs and more")
    arguments = parser.parse_args()
    if arguments.verb == "down":
        down(arguments.state)
    else:
        up(arguments.state, arguments.port)


def up(state: Path, port: int) -> None:
    """Start all processes and wait until every slot is there."""
    if any(map(_is_alive, state.glob("*.pid"))):
        raise SystemExit(f"a cluster is up already; its process ids are in {state}/*.pid")
    if not (HOME / "lib").is_dir():
        raise SystemExit(f"{HOME} holds no Flink; 'make flink-up' fetches it")
    down(state)  # what a cluster that was killed has left
    files = _files(state)
    files.mkdir(parents=True, exist_ok=True)
    try:
        for name, command in _commands(port, files).items():
            _start(state, name, command)
        _wait_for_slots(state, port)
    except BaseException:
        down(state)
        raise
    print(f"Flink is up: http://127.0.0.1:{port}; logs in {state}")


def down(state: Path) -> None:
    """Stop every process of the cluster, and the workers that they started."""
    files = sorted(state.glob("*.pid"))
    for file in files:
        _signal(file, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    for file in files:
        while _is_alive(file) and time.monotonic() < end:
            time.sleep(0.1)
        _signal(file, signal.SIGKILL)
        file.unlink()
    # A TaskManager would keep the files of all jobs and read them when it starts: 160 MB for each.
    shutil.rmtree(_files(state), ignore_errors=True)


def _files(state: Path) -> Path:
    """The folder of Flink's own files."""
    return state.resolve() / "flink-files"


def _commands(port: int, files: Path) -> dict[str, list[str]]:
    """What to run, by name."""
    java_options = yaml.safe_load((HERE / "config.yaml").read_text())["env"]["java"]["opts"]["all"]
    jars = ":".join(sorted(str(path) for path in (HOME / "lib").glob("*.jar")))
    java = ["java", *java_options.split(), f"-Djava.io.tmpdir={files}"]
    java += ["-Dlog4j2.level=INFO", "-cp", jars]
    ports = ["-D", f"rest.port={port}", "-D", f"jobmanager.rpc.port={port + 1}"]
    own = ["--configDir", str(HERE), *ports]
    options, sizes = _memory("GET_JM_RESOURCE_PARAMS", jars)
    commands = {"jobmanager": [*java, *options, _JOB_MANAGER, *own, *sizes]}
    options, sizes = _memory("GET_TM_RESOURCE_PARAMS", jars)
    for name in TASK_MANAGERS:
        identity = ["-D", f"taskmanager.resource-id={name}"]
        commands[name] = [*java, *options, _TASK_MANAGER, *own, *sizes, *identity]
    return commands


def _memory(question: str, jars: str) -> tuple[list[str], list[str]]:
    """Java's own options and Flink's, worked out by Flink from the sizes of the configuration."""
    classes = f"{HOME}/bin/bash-java-utils.jar:{jars}"
    done = subprocess.run(
        ["java", "-cp", classes, _SIZES, question, "--configDir", str(HERE)],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(_SIZES_MARK)]
    options, sizes = (line.removeprefix(_SIZES_MARK).split() for line in lines)
    return options, sizes


def _start(state: Path, name: str, command: list[str]) -> None:
    """Start a process in a session of its own, so that its children end with it."""
    # worker.py runs under the first python3, which must be this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (state / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"PATH": path},
            start_new_session=True,
        )
    (state / f"{name}.pid").write_text(str(process.pid))


def _wait_for_slots(state: Path, port: int) -> None:
    end = time.monotonic() + START_SECONDS
    dead: set[str] = set()
    while time.monotonic() < end:
        time.sleep(0.5)
        # A process that is being replaced by another program has no command for a moment.
        seen_dead, dead = dead, {file.stem for file in state.glob("*.pid") if not _is_alive(file)}
        for name in sorted(dead & seen_dead):
            raise SystemExit(f"{name} did not start; see {state}/{name}.log")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/overview") as answer,
        ):
            if json.load(answer)["slots-total"] == SLOTS:
                return
    raise SystemExit(f"no {SLOTS} slots after {START_SECONDS} s; see {state}/*.log")


def _is_alive(file: Path) -> bool:
    return _MARK in _command(file)


def _signal(file: Path, number: signal.Signals) -> None:
    """Signal a process and those it started, which may have outlived it."""
    command = _command(file)
    if command and _MARK not in command:
        return  # another has its id by now
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(file.read_text()), number)


def _command(file: Path) -> bytes:
    """The command line of a process; empty when it has ended."""
    try:
        return Path(f"/proc/{int(file.read_text())}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


if __name__ == "__main__":
    main()
