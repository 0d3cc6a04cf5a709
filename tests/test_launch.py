"""The launch script: workers that fit, names of jobs, and what it submits by which way."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import launch
import pytest
from dataflow_workers import GPU_MACHINES, cores_to_decode, fit_workers
from support.fake_dataflow import FakeDataflow, serving
from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "europe-docker.pkg.dev/p/r/worker-gpu@sha256:" + "0" * 64
PLACES = ("--output=gs://bucket/out", "--temp_location=gs://bucket/tmp", "--region=europe-west4")
BATCH = (*PLACES, "--project=my-project", "--input=gs://bucket/in/")
STREAM = (*PLACES, "--project=my-project", "--subscription=projects/my-project/subscriptions/calls")
TEMPLATE = "--template=gs://bucket/t.json"


@pytest.fixture
def service() -> Iterator[FakeDataflow]:
    with serving(FakeDataflow(runs_jobs=False)) as served:
        yield served


def submit(*words: str) -> int:
    return launch.main([f"--image={IMAGE}", *words])


def to(service: FakeDataflow) -> tuple[str, str]:
    return f"--dataflow_endpoint=http://localhost:{service.port}", "--no_auth"


def printed_command(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert submit("--print", *words) == 0
    return shlex.split(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        submit(*words)
    assert ended.value.code == 2
    return capsys.readouterr().err


# Workers


@pytest.mark.parametrize(
    ("times_real_time", "decode_seconds", "machine_type", "threads"),
    [
        (400, 8.0, "g2-standard-4", 2),
        (1300, 8.0, "g2-standard-4", 4),
        (1400, 8.0, "g2-standard-8", 5),
        (400, 34.0, "g2-standard-8", 5),
        (1000, 34.0, "g2-standard-12", 11),
    ],
)
def test_cores_beside_a_gpu_decode_as_fast_as_it_transcribes(
    times_real_time: float, decode_seconds: float, machine_type: str, threads: int
) -> None:
    workers = fit_workers("nvidia-l4", times_real_time, decode_seconds)
    assert (workers.machine_type, workers.harness_threads) == (machine_type, threads)


def test_a_gpu_that_no_machine_can_feed_is_refused() -> None:
    with pytest.raises(ValueError, match="the GPU would wait"):
        fit_workers("nvidia-l4", 5000, 34.0)


def test_a_gpu_has_one_process_and_no_other_provider(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--gpu=nvidia-l4", "--times_real_time=900", "--precision=float32")
    command = printed_command(capsys, *given, *BATCH)
    assert "--experiments=no_use_multiple_sdk_containers" in command
    accelerator = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"
    assert f"--dataflow_service_options={accelerator}" in command
    assert {"--provider=cuda", "--require_provider=true", "--precision=float32"} <= set(command)
    assert "--precision=float16" not in command


def test_a_gpu_of_unknown_speed_is_asked_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--gpu=nvidia-l4", "--model=whisper-base")
    assert "--times_real_time" in said


def test_a_gpu_has_the_speed_of_the_table_and_says_where_it_is_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert submit("--gpu=nvidia-tesla-t4", "--print") == 0
    printed = capsys.readouterr()
    assert "--machine_type=n1-standard-4" in printed.out
    assert "an estimate by memory bandwidth" in printed.err


def test_the_speeds_that_machines_feed_are_as_documented() -> None:
    page = (ROOT / "docs" / "dataflow.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (g2-standard-(\d+)) \| (\d+) × \| (\d+) × \|$", page, re.MULTILINE)
    assert [int(cores) for _, cores, *_ in rows] == list(GPU_MACHINES["nvidia-l4"])
    for machine_type, _, *speeds in rows:
        for speed, decode_seconds in zip(map(int, speeds), (8.0, 34.0), strict=True):
            fitting = fit_workers("nvidia-l4", speed, decode_seconds)
            assert fitting.machine_type == machine_type
            with_more = [cores_to_decode(faster, decode_seconds) for faster in (speed, speed + 1)]
            assert with_more[1] == with_more[0] + 1


# Names of jobs


def test_each_job_has_a_name_of_its_own_that_dataflow_and_beam_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = set()
    for _ in range(2):
        command = printed_command(capsys, *BATCH)
        (name,) = [word for word in command if word.startswith("--job_name=")]
        names.add(name.partition("=")[2])
    assert len(names) == 2
    for name in names:
        assert re.fullmatch(r"beam-audio-\d{8}-\d{6}-[0-9a-f]{6}", name)
        assert re.fullmatch("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name)


def test_two_launches_at_once_have_two_names(service: FakeDataflow) -> None:
    for _ in range(2):
        assert submit(TEMPLATE, *BATCH, *to(service)) == 0
    names = [each["launchParameter"]["jobName"] for each in service.launches]
    assert len(set(names)) == 2


def test_an_update_keeps_the_name_it_is_given(
    service: FakeDataflow, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(TEMPLATE, "--job_name=calls", "--update", *STREAM, *to(service)) == 0
    (launched,) = service.launches
    assert launched["launchParameter"]["jobName"] == "calls"
    assert launched["launchParameter"]["update"] is True
    for way in ((), (TEMPLATE,)):
        assert "--update needs --job_name" in refused(capsys, "--update", *way, *STREAM)


@pytest.mark.parametrize("name", ["Calls", "calls_to_text", "1", "calls-", "c" * 64])
def test_a_name_that_is_none_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a letter first" in refused(capsys, f"--job_name={name}", *BATCH)


# Ways


def test_repeated_flags_all_reach_a_plain_job(capsys: pytest.CaptureFixture[str]) -> None:
    command = printed_command(capsys, *BATCH, "--labels=a=1", "--labels=b=2")
    assert [word for word in command if "labels" in word] == ["--labels=a=1", "--labels=b=2"]


def test_a_template_is_launched_by_the_request_that_is_printed(
    service: FakeDataflow, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (TEMPLATE, "--job_name=calls", *BATCH, *to(service))
    assert submit(*words) == 0
    printed, _, last = capsys.readouterr().out.rpartition("launched ")
    request: dict[str, Any] = json.loads(printed)
    (sent,) = service.launches
    assert sent["path"] == "/v1b3/projects/my-project/locations/europe-west4/flexTemplates:launch"
    parameter = sent["launchParameter"]
    asked = request["launchParameter"]
    assert parameter["parameters"] == asked["parameters"]
    assert parameter["environment"].keys() == asked["environment"].keys()
    assert "/europe-west4/launched-1?project=my-project" in last


def test_who_is_not_signed_in_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{tmp_path}/none.json")
    with pytest.raises(SystemExit) as ended:
        submit(TEMPLATE, *BATCH)
    assert ended.value.code == 1
    assert "was not launched" in capsys.readouterr().err


def test_a_dry_run_shows_request_and_graph_without_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{tmp_path}/none.json")
    assert submit(TEMPLATE, "--dry_run", *BATCH) == 0
    shown = capsys.readouterr().out
    request, end = json.JSONDecoder().raw_decode(shown)
    assert request["launchParameter"]["parameters"]["input"] == "gs://bucket/in/"
    steps = shown[end:].split()
    assert steps.index("Read") < steps.index("TranscribeUnits") < steps.index("LetGo")
