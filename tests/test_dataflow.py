"""Submission to Dataflow, whole, against a loopback stand-in of its API and of storage."""

from __future__ import annotations

import base64
import bz2
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import launch
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import PipelineVisitor
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from fake_dataflow import BUCKET, FakeDataflow, serving, staged_graph, storage
from google.cloud.dataflow import AutoscalingAlgorithm, JobType
from run_outputs import settings, write_speech

from beam_audio import pipeline, store
from beam_audio.asr import model_facts
from beam_audio.cli import main
from beam_audio.staleness import Task
from beam_audio.transforms.read import ref_of_file
from beam_audio.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apache_beam.portability.api.beam_runner_api_pb2 import Pipeline, PTransform

ROOT = Path(__file__).resolve().parents[1]
INPUT = f"gs://{BUCKET}/in/"
IMAGE = "europe-docker.pkg.dev/p/r/worker-gpu@sha256:" + "0" * 64
GPU = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"
RECORDINGS = 3
OURS = ("input", "output", "model")

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Cloud:
    """The stand-ins, and the flags that lead to them."""

    service: FakeDataflow
    output: str

    @property
    def flags(self) -> launch.Flags:
        return {
            "input": INPUT,
            "output": self.output,
            "model": "placeholder",
            "runner": "DataflowRunner",
            "project": "project-1",
            "region": "europe-west4",
            "temp_location": f"gs://{BUCKET}/temp",
            "sdk_container_image": IMAGE,
            "dataflow_endpoint": f"http://localhost:{self.service.port}",
            "no_auth": None,
        }

    @property
    def words(self) -> list[str]:
        return written(self.flags)

    @property
    def of_beam(self) -> list[str]:
        return written({name: self.flags[name] for name in self.flags if name not in OURS})

    def run(self, *words: str) -> int:
        return main(["run", *self.words, *words])

    def run_files(self) -> list[dict[str, Any]]:
        return [json.loads(read(meta.path)) for meta in store.files_like(self.output, "run-*.json")]


def written(flags: launch.Flags) -> list[str]:
    return [f"--{name}" if value is None else f"--{name}={value}" for name, value in flags.items()]


def read(uri: str) -> bytes:
    with store.open_to_read(uri) as file:
        content: bytes = file.read()
    return content


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Storage that holds the recordings, found by this process and those it starts."""
    with storage() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        patch.setenv("NO_GCE_CHECK", "true")
        FileSystems.set_options(PipelineOptions(["--no_auth"]))
        for index in range(RECORDINGS):
            local = tmp_path_factory.mktemp("speech") / "a.wav"
            write_speech(local, start_seconds=0.5 * index)
            with store.open_to_write(f"{INPUT}{index}.wav") as file:
                file.write(local.read_bytes())
        yield


@pytest.fixture
def cloud(bucket: None, tmp_path: Path) -> Iterator[Cloud]:  # noqa: ARG001 - storage must be there
    with serving(FakeDataflow()) as service:
        yield Cloud(service, f"gs://{BUCKET}/{tmp_path.name}")


def transforms(graph: Pipeline) -> list[PTransform]:
    """Transforms that do something themselves."""
    return [each for each in graph.components.transforms.values() if not each.subtransforms]


def the_unit(graph: Pipeline) -> PTransform:
    """The one transform that opens audio."""
    (found,) = [each for each in transforms(graph) if b"_TranscribeUnit" in function(each)]
    return found


def function(transform: PTransform) -> bytes:
    """The pickled function of a ParDo, its modules readable; nothing of other transforms."""
    if transform.spec.urn != common_urns.primitives.PAR_DO.urn:
        return b""
    payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
    return bz2.decompress(base64.b64decode(payload.do_fn.payload))


def test_a_batch_job_is_waited_for_and_closes_with_the_ledger(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = launch.fit_workers("nvidia-l4", times_real_time=1400, decode_seconds=8.0)
    # The machine that runs the fake's jobs has no GPU.
    flags = cloud.flags | {"provider": "cpu", "precision": "float32", "max_num_workers": "7"}
    command = launch.direct_command(workers, IMAGE, flags)
    assert main(command[3:]) == 0
    assert "ledger        balances" in capsys.readouterr().out
    (run_file,) = cloud.run_files()
    assert run_file["ledger"]["listed"] == RECORDINGS
    assert run_file["ledger"]["recordings"]

    (job,) = cloud.service.jobs
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    assert job["type"] == JobType.JOB_TYPE_BATCH
    assert GPU in environment["serviceOptions"]
    assert "no_use_multiple_sdk_containers" in environment["experiments"]
    assert "use_multiple_sdk_containers" not in environment["experiments"]
    assert pool["machineType"] == "g2-standard-8"
    assert pool["numThreadsPerWorker"] == 5
    assert pool["diskSizeGb"] == 50
    assert pool["workerHarnessContainerImage"] == IMAGE
    assert {each["containerImage"] for each in pool["sdkHarnessContainerImages"]} == {IMAGE}
    assert pool["autoscalingSettings"] == {
        "algorithm": AutoscalingAlgorithm.AUTOSCALING_ALGORITHM_BASIC,
        "maxNumWorkers": 7,
    }


def test_a_job_that_did_nothing_is_no_success(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.service.runs_jobs = False
    assert cloud.run() == 1
    assert "did not name its inputs" in capsys.readouterr().err


def test_a_flex_template_is_handed_over_and_closed_by_a_later_run(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    job_object = f"{cloud.output}-staging/template_launches/1/job_object"
    command = [sys.executable, str(ROOT / "templates" / "launcher.py"), *cloud.words]
    command += [f"--template_location={job_object}", "--of_a_later_launcher=1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "handed over" in ran.stdout
    assert cloud.service.jobs == []
    assert cloud.run_files() == []

    job = json.loads(read(job_object))
    (pool,) = job["environment"]["workerPools"]
    assert pool["workerHarnessContainerImage"] == IMAGE
    # What Dataflow does with it: it starts the job once the launcher has ended.
    cloud.service.create(job)
    while cloud.service.states == ["JOB_STATE_RUNNING"]:
        time.sleep(0.1)
    assert cloud.service.states == ["JOB_STATE_DONE"]

    local = [word for word in cloud.words if not word.startswith("--runner=")]
    assert main(["run", *local]) == 0
    assert "ledger        balances" in capsys.readouterr().out
    (run_file,) = cloud.run_files()
    assert run_file["ledger"]["listed"] == RECORDINGS
    assert run_file["ledger"]["new_inputs"] == 0
    assert run_file["throughput"]["decoded_seconds"] == 0


def test_without_waiting_the_job_is_sent_and_the_process_ends(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.service.runs_jobs = False
    assert cloud.run("--no_wait_until_finish") == 0
    assert "handed over" in capsys.readouterr().out
    assert len(cloud.service.jobs) == 1


def test_who_stops_waiting_is_told_that_the_job_goes_on(cloud: Cloud) -> None:
    cloud.service.runs_jobs, cloud.service.state_unrun = False, "JOB_STATE_RUNNING"
    # Started in the background, a process ignores Ctrl-C, and so does what it starts.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from beam_audio.__main__ import run\n"
        "run()"
    )
    command = [sys.executable, "-c", program, "run", *cloud.words]
    waiting = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not cloud.service.asked and waiting.poll() is None:
        time.sleep(0.1)
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=60)
    assert waiting.returncode == 1
    assert "the job goes on" in errors


def dry_run(cloud: Cloud, *words: str) -> Pipeline:
    config = settings(**{name: cloud.flags[name] for name in OURS})
    result = pipeline.submit(config, [*cloud.of_beam, "--dry_run=True", *words])
    return result.job.proto_pipeline


def test_decoding_and_inference_share_what_is_hinted(cloud: Cloud) -> None:
    graph = dry_run(
        cloud,
        "--resource_hints=min_ram=16GB",
        "--resource_hints=accelerator=type:nvidia-l4;count:1;install-nvidia-driver",
    )
    assert cloud.service.jobs == []
    environments = graph.components.environments
    hinted = environments[the_unit(graph).environment_id]
    assert dict(hinted.resource_hints) == {
        "beam:resources:min_ram_bytes:v1": b"16000000000",
        "beam:resources:accelerator:v1": b"type:nvidia-l4;count:1;install-nvidia-driver",
    }
    assert IMAGE.encode() in hinted.payload


def test_no_audio_crosses_an_edge_of_the_job(cloud: Cloud) -> None:
    """One transform opens audio, and nothing takes what it returns, its reports."""
    graph = dry_run(cloud)
    unit = the_unit(graph)
    returned = set(unit.outputs.values())
    for each in transforms(graph):
        assert returned.isdisjoint(each.inputs.values()), each.unique_name
        if each is not unit:
            for module in (b"beam_audio.audio", b"beam_audio.decoders", b"beam_audio.recording"):
                assert module not in function(each), each.unique_name


def step_of_the_batch_graph(cloud: Cloud, label: str) -> beam.PTransform:
    config = settings(input=INPUT, output=cloud.output)
    batch = beam.Pipeline(runner=FnApiRunner())
    unit_settings = pipeline.unit_settings(config, model_facts("placeholder"))
    pipeline.build(batch, config, unit_settings, pipeline.model_handler(config), "run")
    found: list[beam.PTransform] = []

    class Finder(PipelineVisitor):  # type: ignore[misc] # Beam's classes are not typed
        def visit_transform(self, node: Any) -> None:  # noqa: ANN401
            if node.full_label == label:
                found.append(node.transform)

    batch.visit(Finder())
    (step,) = found
    return beam.ParDo(step.fn)


def test_a_streaming_job_has_the_same_workers(cloud: Cloud) -> None:
    """The command reads subscriptions locally only, yet: messages lead to the unit's transform."""
    workers = launch.fit_workers("nvidia-l4", times_real_time=1400, decode_seconds=8.0)
    words = [
        *(*cloud.of_beam, "--streaming", f"--dataflow_service_options={workers.accelerator}"),
        *(f"--experiments={name}" for name in workers.experiments),
        *(f"--machine_type={workers.machine_type}", "--max_num_workers=3"),
    ]
    cloud.service.runs_jobs = False
    streaming = beam.Pipeline(options=PipelineOptions(words))
    _ = (
        streaming
        | beam.io.ReadFromPubSub(subscription="projects/project-1/subscriptions/calls")
        | beam.Map(lambda name: Unit.of([Task(ref_of_file(store.stat(name.decode())))]))
        | step_of_the_batch_graph(cloud, "TranscribeUnits/Transcribe/Unit")
    )
    streaming.run()

    (job,) = cloud.service.jobs
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    assert job["type"] == JobType.JOB_TYPE_STREAMING
    assert environment["version"]["job_type"] == "FNAPI_STREAMING"
    assert {"enable_streaming_engine", "no_use_multiple_sdk_containers"} <= set(
        environment["experiments"]
    )
    assert GPU in environment["serviceOptions"]
    assert environment["sdkPipelineOptions"]["options"]["streaming"] is True
    assert pool["machineType"] == "g2-standard-8"
    assert pool["workerHarnessContainerImage"] == IMAGE
    assert the_unit(staged_graph(job)).inputs
