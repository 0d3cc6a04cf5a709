"""A dry run shows the job and its graph, and asks nobody for anything."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from beam_audio.command.cli import main

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("--output=gs://bucket/out", "--temp_location=gs://bucket/tmp", "--region=europe-west4")
DATAFLOW = (
    *("--runner=DataflowRunner", "--dry_run=True", "--project=my-project"),
    "--sdk_container_image=europe-docker.pkg.dev/p/r/worker-cpu:1",
)
BATCH = (*PLACES, *DATAFLOW, "--input=gs://bucket/in/")
STREAM = (*PLACES, *DATAFLOW, "--subscription=projects/my-project/subscriptions/calls")


@pytest.fixture(autouse=True)
def nobody_signed_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, and a network that fails the test."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a dry run asked the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, Any], list[str]]:
    """The job, and the lines of the graph."""
    assert main(["run", *words]) == 0
    printed = capsys.readouterr().out
    job, end = json.JSONDecoder().raw_decode(printed)
    graph, _, last = printed[end:].strip().rpartition("\n\n")
    assert "nothing was sent" in last
    return job, graph.splitlines()


def test_a_batch_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--machine_type=n2-standard-8", "--flexrs_goal=COST_OPTIMIZED", "--job_name=calls")
    job, graph = shown(capsys, *BATCH, *flags)
    (pool,) = job["environment"]["workerPools"]
    assert (job["name"], job["type"]) == ("calls", "JOB_TYPE_BATCH")
    assert pool["machineType"] == "n2-standard-8"
    assert pool["workerHarnessContainerImage"] == "europe-docker.pkg.dev/p/r/worker-cpu:1"
    assert job["environment"]["flexResourceSchedulingGoal"] == "FLEXRS_COST_OPTIMIZED"
    steps = [line for line in graph if not line.startswith(" ")]
    assert (steps[0], steps[-1]) == ("Read", "LetGo")
    assert "TranscribeUnits" in steps


def test_a_stream_is_shown_with_what_its_flags_add(capsys: pytest.CaptureFixture[str]) -> None:
    job, plain = shown(capsys, *STREAM)
    assert job["type"] == "JOB_TYPE_STREAMING"
    assert plain[0] == "Subscription"
    added = (
        "--output_topic=projects/my-project/topics/rows",
        "--drift_reference=gs://bucket/reference",
    )
    _, graph = shown(capsys, *STREAM, *added)
    assert {line for line in graph if not line.startswith(" ")} - set(plain) == {
        *("Note", "Publish", "Alerts")
    }


def test_models_in_buckets_are_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    models = ("--model=gs://bucket/model", "--second_model=gs://bucket/second")
    _, graph = shown(capsys, *BATCH, *models)
    assert "TranscribeUnits" in graph


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--temp_location=tmp",), "--temp_location=tmp: name a folder in a bucket"),
        (("--output=out",), "--output=out is on this machine"),
        (("--update",), "--update can only be used with --subscription"),
        (("--rules=none.yaml",), "none.yaml"),
    ],
)
def test_flags_are_checked(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *BATCH, *words]) == 2
    assert says in capsys.readouterr().err
