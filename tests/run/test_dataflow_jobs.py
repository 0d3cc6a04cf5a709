"""Submission to Dataflow, whole, against a loopback stand-in of its API and of storage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import launch
import pytest
from apache_beam.portability import common_urns
from dataflow_workers import fit_workers
from google.cloud.dataflow import AutoscalingAlgorithm, JobType
from support.dataflow_jobs import (
    GPU,
    IMAGE,
    MODULES_OF_AUDIO,
    OURS,
    RECORDINGS,
    Cloud,
    function,
    read,
    recordings_in_a_bucket,
    the_unit,
    transforms,
    written,
)
from support.fake_dataflow import BUCKET, FakeDataflow, serving
from support.project import ROOT
from support.run_outputs import settings

from beam_audio.command.cli import main
from beam_audio.run import batch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from apache_beam.portability.api.beam_runner_api_pb2 import Pipeline


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with recordings_in_a_bucket(tmp_path_factory.mktemp("speech")):
        yield


@pytest.fixture
def cloud(bucket: None, tmp_path: Path) -> Iterator[Cloud]:  # noqa: ARG001 - storage must be there
    with serving(FakeDataflow()) as service:
        yield Cloud(service, f"gs://{BUCKET}/{tmp_path.name}")


def test_a_batch_job_is_waited_for_and_closes_with_the_ledger(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = fit_workers("nvidia-l4", times_real_time=1400, decode_seconds=8.0)
    # The machine that runs the fake's jobs has no GPU.
    flags = cloud.flags | {"provider": "cpu", "precision": "float32", "max_num_workers": "7"}
    words = launch.run_words(workers, written(flags))
    command = launch.direct_command(words, image=IMAGE, job_name="calls")
    assert main(command[3:]) == 0
    assert "ledger        balances" in capsys.readouterr().out
    (run_file,) = cloud.run_files()
    assert run_file["ledger"]["listed"] == RECORDINGS
    assert run_file["ledger"]["recordings"]

    (job,) = cloud.service.jobs
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    assert job["name"] == "calls"
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
    assert "ended without naming its inputs" in capsys.readouterr().err


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
    result = batch.submit(config, [*cloud.of_beam, "--dry_run=True", *words])
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


def test_no_step_gathers_inputs(cloud: Cloud) -> None:
    """Units are spread, and reports are counted; nothing else is grouped."""
    grouped = [
        each.unique_name
        for each in transforms(dry_run(cloud))
        if each.spec.urn == common_urns.primitives.GROUP_BY_KEY.urn
    ]
    assert {name.partition("/")[0] for name in grouped} == {"Read", "All"}
    assert [name for name in grouped if name.startswith("Read/")] == [
        name for name in grouped if name.startswith("Read/Spread/")
    ]


def test_no_audio_crosses_an_edge_of_the_job(cloud: Cloud) -> None:
    """One transform opens audio; its reports are joined with those of judged units, and counted."""
    graph = dry_run(cloud)
    unit = the_unit(graph)
    returned = set(unit.outputs.values())
    for each in transforms(graph):
        takes = not returned.isdisjoint(each.inputs.values())
        counted = each.unique_name.startswith(("All/", "TranscribeUnits/DoUnits/Reports"))
        assert not takes or counted, each.unique_name
        if each is not unit:
            for module in MODULES_OF_AUDIO:
                assert module not in function(each), each.unique_name
