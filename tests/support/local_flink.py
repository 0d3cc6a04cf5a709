"""A Flink cluster of a test's own: the one that make flink-up starts, on free ports."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from support.free_ports import free_port
from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TASK_MANAGERS = ("taskmanager-1", "taskmanager-2")


@dataclass(frozen=True, slots=True)
class Flink:
    """A cluster that is up: where it keeps its process ids and logs, and its first port."""

    state: Path
    port: int

    @property
    def flags(self) -> tuple[str, ...]:
        """What sends a run there."""
        return (
            "--runner=FlinkRunner",
            f"--flink_master=127.0.0.1:{self.port}",
            f"--flink_job_server_jar={ROOT}/.flink/job-server.jar",
            "--parallelism=2",  # one TaskManager has slots enough to take over
            "--environment_type=PROCESS",
            f'--environment_config={{"command": "{ROOT}/templates/flink/worker.py"}}',
        )

    def process_id(self, name: str) -> int:
        """Of ``taskmanager-1`` or the like."""
        return int((self.state / f"{name}.pid").read_text())

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What the REST API answers."""
        with urlopen(f"http://127.0.0.1:{self.port}/{path}") as answer:
            return json.load(answer)

    def only_job(self) -> dict[str, Any]:
        """The one job there ever was, with its tasks."""
        (job,) = self.ask("jobs/overview")["jobs"]
        found: dict[str, Any] = self.ask(f"jobs/{job['jid']}")
        return found

    def task_managers(self, task: str) -> set[str]:
        """On which TaskManagers the tasks with this word in their name ran."""
        job = self.only_job()
        return {
            where["taskmanager-id"]
            for vertex in job["vertices"]
            if task in vertex["name"]
            for where in self.ask(f"jobs/{job['jid']}/vertices/{vertex['id']}/taskmanagers")[
                "taskmanagers"
            ]
        }


@contextmanager
def flink_cluster(state: Path) -> Iterator[Flink]:
    """A cluster as long as the block lasts."""
    script = [sys.executable, str(ROOT / "templates" / "flink" / "cluster.py")]
    port = free_port(neighbours=1)
    options = [f"--state={state}", f"--port={port}"]
    done = subprocess.run([*script, "up", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    try:
        yield Flink(state, port)
    finally:
        subprocess.run([*script, "down", f"--state={state}"], check=True)
