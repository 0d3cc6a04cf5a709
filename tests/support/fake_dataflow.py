"""A loopback stand-in of Google's: a storage emulator, and a Dataflow API that runs the jobs.

The service keeps each job's JSON as it was sent. It takes the graph from where the job says it is
staged and runs it here, on Beam's local runner, as the service would run it in containers.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment
from gcp_storage_emulator.server import create_server

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "bucket"


@dataclass(slots=True)
class FakeDataflow:
    """The jobs that were sent.

    Attributes:
        runs_jobs: Whether they are run.
        state_unrun: What is said of those that are not.
        port: Where the service answers.
        jobs: As they were sent.
        states: Of each.
        asked: How often the state of one was asked for.
        launches: Requests to launch a flex template, as they were sent.
    """

    runs_jobs: bool = True
    state_unrun: str = "JOB_STATE_DONE"
    port: int = 0
    jobs: list[dict[str, Any]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    asked: int = 0
    launches: list[dict[str, Any]] = field(default_factory=list)

    def create(self, job: dict[str, Any]) -> dict[str, Any]:
        """Take a job."""
        self.jobs.append(job)
        self.states.append("JOB_STATE_RUNNING" if self.runs_jobs else self.state_unrun)
        if self.runs_jobs:
            threading.Thread(target=self._run, args=(len(self.jobs) - 1,), daemon=True).start()
        return self.job(len(self.jobs) - 1)

    def launch(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """Take a request to launch a flex template; its launcher is not started."""
        self.launches.append(request | {"path": path})
        name = request["launchParameter"]["jobName"]
        return {"job": {"id": f"launched-{len(self.launches)}", "name": name}}

    def job(self, index: int) -> dict[str, Any]:
        """What the service says of a job."""
        sent = self.jobs[index]
        return {
            "id": str(index),
            "name": sent["name"],
            "currentState": self.states[index],
            "clientRequestId": sent["clientRequestId"],
        }

    def _run(self, index: int) -> None:
        try:
            graph = staged_graph(self.jobs[index])
            embedded = EmbeddedPythonEnvironment.default().to_runner_api(None)
            for environment in graph.components.environments.values():
                environment.CopyFrom(embedded)
            FnApiRunner().run_via_runner_api(graph, PipelineOptions([])).wait_until_finish()
        except Exception:
            self.states[index] = "JOB_STATE_FAILED"
            raise
        self.states[index] = "JOB_STATE_DONE"


def staged_graph(job: dict[str, Any]) -> beam_runner_api_pb2.Pipeline:
    """The graph of a job, from where it was staged."""
    url = job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]
    with FileSystems.open(url) as file:
        return beam_runner_api_pb2.Pipeline.FromString(file.read())


@contextmanager
def serving(service: FakeDataflow) -> Iterator[FakeDataflow]:
    """The service, answering on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            path = self.path.partition("?")[0]
            if path.endswith("/flexTemplates:launch"):
                self._answer(service.launch(path, json.loads(content)))
            else:
                self._answer(service.create(json.loads(content)))

        def do_GET(self) -> None:
            parts = self.path.partition("?")[0].strip("/").split("/")
            is_job = parts[-2] == "jobs"
            service.asked += is_job
            if is_job:
                self._answer(service.job(int(parts[-1])))
            else:
                self._answer({"jobs": [service.job(index) for index in range(len(service.jobs))]})

        def _answer(self, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def storage() -> Iterator[str]:
    """A storage emulator with one bucket; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as probe:
        port = probe.server_port
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
