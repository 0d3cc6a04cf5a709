"""A stream handed over to Dataflow: what is sent, and what is refused before anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import launch
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from dataflow_workers import fit_workers
from google.cloud.dataflow import JobType
from support.dataflow_jobs import (
    GPU,
    IMAGE,
    MODULES_OF_AUDIO,
    Cloud,
    Flags,
    function,
    read,
    recordings_in_a_bucket,
    the_unit,
    transforms,
    written,
)
from support.fake_dataflow import BUCKET, FakeDataflow, serving, staged_graph
from support.project import ROOT
from support.pubsub_emulator import Channel, new_channel, pubsub_emulator
from support.run_outputs import run, write_manifest, write_speech

from beam_audio import store
from beam_audio.command.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from apache_beam.portability.api.beam_runner_api_pb2 import Pipeline

RECORDED = 110  # fewer recordings are too few to compare with
STEADY_KEYS = {
    "beam:coder:string_utf8:v1",
    "beam:coder:varint:v1",
    "beam:coder:sharded_key:v1",
}

pytestmark = [pytest.mark.slow, pytest.mark.integration]


@dataclass(frozen=True, slots=True)
class Stream:
    """The stand-ins, and the flags of a stream that lead to them."""

    cloud: Cloud
    channel: Channel

    @property
    def flags(self) -> Flags:
        others = {name: value for name, value in self.cloud.flags.items() if name != "input"}
        return others | {"subscription": self.channel.subscription}

    def run(self, *words: str, **flags: str | None) -> int:
        return main(["run", *written(self.flags | flags), *words])

    def graph(self, *words: str, **flags: str | None) -> Pipeline:
        """The graph of one more job."""
        assert self.run(*words, **flags) == 0
        return staged_graph(self.cloud.service.jobs[-1])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (
        recordings_in_a_bucket(tmp_path_factory.mktemp("speech")),
        pubsub_emulator() as host,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


@pytest.fixture
def stream(servers: None, tmp_path: Path) -> Iterator[Stream]:  # noqa: ARG001 - must be there
    service = FakeDataflow(runs_jobs=False, state_unrun="JOB_STATE_RUNNING")
    with serving(service):
        yield Stream(Cloud(service, f"gs://{BUCKET}/{tmp_path.name}"), new_channel())


def test_a_stream_is_handed_over_and_nobody_waits(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = fit_workers("nvidia-l4", times_real_time=1400, decode_seconds=8.0)
    of_the_test: Flags = {"provider": "cpu", "precision": "float32", "max_num_workers": "3"}
    words = launch.run_words(workers, written(stream.flags | of_the_test))
    command = launch.direct_command(words, image=IMAGE, job_name="calls")
    assert main(command[3:]) == 0
    assert "runs until it is drained" in capsys.readouterr().err

    (job,) = stream.cloud.service.jobs
    environment = job["environment"]
    (pool,) = environment["workerPools"]
    assert job["type"] == JobType.JOB_TYPE_STREAMING
    assert environment["version"]["job_type"] == "FNAPI_STREAMING"
    assert environment["sdkPipelineOptions"]["options"]["streaming"] is True
    assert {"enable_streaming_engine", "no_use_multiple_sdk_containers"} <= set(
        environment["experiments"]
    )
    assert GPU in environment["serviceOptions"]
    assert pool["machineType"] == "g2-standard-8"
    assert pool["numThreadsPerWorker"] == 5
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 3
    assert pool["workerHarnessContainerImage"] == IMAGE


def test_dataflow_itself_reads_the_subscription_and_nothing_else(stream: Stream) -> None:
    graph = stream.graph()
    (source,) = [each for each in transforms(graph) if not each.inputs]
    assert source.spec.urn == common_urns.composites.PUBSUB_READ.urn
    payload = beam_runner_api_pb2.PubSubReadPayload.FromString(source.spec.payload)
    assert payload.subscription == stream.channel.subscription
    assert payload.with_attributes


def test_no_audio_crosses_an_edge_or_is_held(stream: Stream) -> None:
    graph = stream.graph(output_topic=stream.channel.topic)
    unit = the_unit(graph)
    for each in transforms(graph):
        if each is not unit:
            for module in MODULES_OF_AUDIO:
                assert module not in function(each), each.unique_name


def test_keys_are_the_same_bytes_on_every_worker(stream: Stream) -> None:
    """Pickled ones might not be, and state would be split among them."""
    graph = stream.graph()
    coders, collections = graph.components.coders, graph.components.pcollections
    keyed = 0
    for each in transforms(graph):
        if is_keyed(each):
            (collection,) = each.inputs.values()
            key = coders[coders[collections[collection].coder_id].component_coder_ids[0]]
            of_key = [key, *(coders[name] for name in key.component_coder_ids)]
            assert {coder.spec.urn for coder in of_key} <= STEADY_KEYS, each.unique_name
            keyed += 1
    assert keyed == 3


def is_keyed(transform: beam_runner_api_pb2.PTransform) -> bool:
    if transform.spec.urn != common_urns.primitives.PAR_DO.urn:
        return bool(transform.spec.urn == common_urns.primitives.GROUP_BY_KEY.urn)
    payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
    return bool(payload.state_specs)


def test_hints_are_where_decoding_and_inference_are(stream: Stream) -> None:
    graph = stream.graph("--resource_hints=min_ram=16GB")
    hinted = graph.components.environments[the_unit(graph).environment_id]
    assert dict(hinted.resource_hints) == {"beam:resources:min_ram_bytes:v1": b"16000000000"}
    assert IMAGE.encode() in hinted.payload


def test_workers_publish_and_know_what_drift_is_measured_by(stream: Stream, tmp_path: Path) -> None:
    """The reference is read here: it may be of this machine."""
    speech = write_speech(tmp_path / "speech.wav", seconds=3.0)
    cuts = [
        {"audio_filepath": str(speech), "offset": n / 100, "duration": 1.0} for n in range(RECORDED)
    ]
    reference = tmp_path / "reference"
    run(manifest=write_manifest(tmp_path / "m.jsonl", cuts), output=reference, segmenter="fixed")
    graph = stream.graph(output_topic=stream.channel.topic, drift_reference=str(reference))
    by_name = {each.unique_name: function(each) for each in transforms(graph)}
    for name in ("Publish/Publish", "Alerts/Publish"):
        assert stream.channel.topic.encode() in by_name[name]
    assert b"Profile" in by_name["Ledgers/Close"]


def test_the_same_command_makes_the_same_steps(stream: Stream) -> None:
    """What ``--update`` looks at; a topic that is added later takes no step away."""
    first = steps(stream.graph(job_name="calls"))
    assert steps(stream.graph("--update", job_name="calls")) == first
    sent, update = stream.cloud.service.jobs
    assert update["replaceJobId"] == stream.cloud.service.job(0)["id"], sent["name"]
    assert steps(stream.graph(output_topic=stream.channel.topic)) > first


def steps(graph: Pipeline) -> set[str]:
    return {each.unique_name for each in transforms(graph)}


def test_a_flex_template_writes_a_streaming_job(stream: Stream) -> None:
    job_object = f"{stream.cloud.output}-staging/template_launches/1/job_object"
    command = [sys.executable, str(ROOT / "templates" / "launcher.py"), *written(stream.flags)]
    command += [f"--template_location={job_object}", "--of_a_later_launcher=1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "runs until it is drained" in ran.stderr
    assert stream.cloud.service.jobs == []
    assert json.loads(read(job_object))["type"] == "JOB_TYPE_STREAMING"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"subscription": "projects/project-1/subscriptions/none"}, "create it"),
        ({"subscription": "calls"}, "projects/P/subscriptions/S"),
        ({"output_topic": "projects/project-1/topics/none"}, "gcloud pubsub topics create none"),
        ({"output": "out"}, "--output=out is on this machine"),
        ({"drift_reference": f"gs://{BUCKET}/none"}, "--drift_reference"),
        ({"limit": "3"}, "--limit can only be used with --input or --manifest"),
    ],
)
def test_what_would_fail_there_is_refused_here(
    stream: Stream, capsys: pytest.CaptureFixture[str], flags: dict[str, str], says: str
) -> None:
    assert stream.run(**flags) == 2
    assert says in capsys.readouterr().err
    assert stream.cloud.service.jobs == []
    assert not list(store.files_under(stream.cloud.output))
