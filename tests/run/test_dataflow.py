"""What a job on Dataflow lacks is told before anything is read or sent."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from packaging.requirements import Requirement
from support.project import ROOT

from beam_audio.command.flags import resolve
from beam_audio.errors import ConfigError
from beam_audio.run import dataflow

PLACES = {"input": "gs://bucket/in/", "output": "gs://bucket/out"}
STREAM = {"subscription": "projects/p/subscriptions/s", "output": "gs://bucket/out"}
REQUIREMENTS = "--requirements_file=templates/setup-requirements.txt"
IMAGE = "--sdk_container_image=europe-docker.pkg.dev/p/r/worker-cpu:1"


def options(*flags: str) -> PipelineOptions:
    return PipelineOptions(["--runner=DataflowRunner", *flags])


def check(*flags: str, **given: str) -> None:
    dataflow.check_submission(resolve(PLACES | given), options(*flags))


@pytest.mark.parametrize("value", ["calls/", "/calls/*.wav"])
def test_input_of_this_machine_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"--input=.* is on this machine.*gs://"):
        check(IMAGE, input=value)


def test_manifest_and_output_of_this_machine_are_refused() -> None:
    with pytest.raises(ConfigError, match="--output=out is on this machine"):
        check(IMAGE, output="out")
    by_manifest = {"manifest": "clips/m.jsonl", "output": "gs://bucket/out"}
    with pytest.raises(ConfigError, match=r"--manifest=.* is on this machine"):
        dataflow.check_submission(resolve(by_manifest), options(IMAGE))


def test_a_model_folder_of_this_machine_is_refused(tmp_path: Path) -> None:
    for flag in ("model", "second_model", "classify_model", "speaker_model", "enhance_model"):
        with pytest.raises(ConfigError, match=rf"--{flag}=.*copy it to gs://"):
            check(IMAGE, **{flag: str(tmp_path)})
    check(IMAGE, model="gs://bucket/model")
    check(IMAGE, model="whisper-base")


def test_workers_without_the_package_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"--sdk_container_image=IMAGE.*--setup_file"):
        check(REQUIREMENTS)
    check(IMAGE)
    check("--extra_package=beam_audio.whl", REQUIREMENTS)


def test_the_package_alone_is_not_enough() -> None:
    with pytest.raises(ConfigError, match=r"--requirements_file=templates/setup-requirements\.txt"):
        check("--setup_file=./setup.py")
    check("--setup_file=./setup.py", REQUIREMENTS)
    lines = (ROOT / "templates" / "setup-requirements.txt").read_text("utf-8").splitlines()
    given = [Requirement(line) for line in lines if not line.startswith("#")]
    asked = [
        each
        for each in map(Requirement, metadata.requires("beam_audio") or [])
        if each.marker
        and not each.marker.evaluate({"extra": ""})
        and any(each.marker.evaluate({"extra": extra}) for extra in ("cpu", "whisper-tiny"))
    ]
    assert {(each.name, each.specifier) for each in given} == {
        (each.name, each.specifier) for each in asked
    }


def test_the_setup_file_is_found_from_its_own_folder() -> None:
    given = options("--setup_file=setup.py", REQUIREMENTS)
    dataflow.check_submission(resolve(PLACES), given)
    assert given.view_as(SetupOptions).setup_file == str(Path.cwd() / "setup.py")


def test_a_batch_is_no_stream() -> None:
    with pytest.raises(ConfigError, match="--streaming can only be used with --subscription"):
        check(IMAGE, "--streaming")


@pytest.mark.parametrize(
    ("flags", "given", "says"),
    [
        (("--update",), {}, "--update can only be used with --subscription"),
        (("--update",), STREAM, "--update needs --job_name=NAME"),
        (("--flexrs_goal=COST_OPTIMIZED",), STREAM, "--flexrs_goal can only be used with --input"),
    ],
)
def test_batches_are_not_updated_and_streams_do_not_wait_for_workers(
    flags: tuple[str, ...], given: dict[str, str], says: str
) -> None:
    config = resolve(given or PLACES)
    with pytest.raises(ConfigError, match=says):
        dataflow.check_submission(config, options(IMAGE, *flags))
    dataflow.check_submission(resolve(PLACES), options(IMAGE, "--flexrs_goal=SPEED_OPTIMIZED"))
    dataflow.check_submission(resolve(STREAM), options(IMAGE, "--update", "--job_name=calls"))


def test_an_emulator_is_not_what_dataflow_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"PUBSUB_EMULATOR_HOST=127\.0\.0\.1:1 .* unset it"):
        dataflow.check_submission(resolve(STREAM), options(IMAGE))


def test_other_runners_are_not_asked() -> None:
    local = resolve({"input": "calls/", "output": "out"})
    for name in ("DirectRunner", "FlinkRunner", "PrismRunner"):
        dataflow.check_submission(local, PipelineOptions([f"--runner={name}"]))


def test_missing_libraries_name_the_extra() -> None:
    program = (
        "import sys; sys.modules['google.cloud.dataflow'] = None\n"
        "from beam_audio.command.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    flags = [*(f"--{name}={value}" for name, value in PLACES.items()), "--runner=DataflowRunner"]
    command = [sys.executable, "-c", program, "run", *flags, IMAGE]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "pip install 'beam_audio[gcp]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("flags", "handed_over"),
    [
        ((), False),
        (("--template_location=gs://b/t/job_object",), True),
        (("--dry_run=True",), True),
        (("--no_wait_until_finish",), True),
    ],
)
def test_what_is_only_handed_over(
    flags: tuple[str, ...],
    handed_over: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert dataflow.is_only_handed_over(options(*flags)) is handed_over
    assert not dataflow.is_only_handed_over(PipelineOptions(list(flags)))
