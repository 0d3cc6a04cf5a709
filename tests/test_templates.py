"""The flex template, the images and the launch script say what the command does."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, get_args

import pytest
import write_metadata
from google.cloud.dataflow import TemplateMetadata
from google.protobuf.json_format import ParseError
from support.project import ROOT

from beam_audio.command.cli import main
from beam_audio.command.flags import resolve
from beam_audio.run.config import RunConfig
from beam_audio.run.run_flags import Group

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = ROOT / "templates"
PARAMETERS: dict[str, dict[str, Any]] = {
    each["name"]: each
    for each in json.loads((TEMPLATES / "metadata.json").read_text("utf-8"))["parameters"]
}
FLAGS = {
    field.name: field
    for field in dataclasses.fields(RunConfig)
    if field.name not in write_metadata.NO_PARAMETERS
}
IMAGE = "europe-docker.pkg.dev/p/r/worker-gpu@sha256:" + "0" * 64
DOCKERFILES = sorted(TEMPLATES.glob("*.Dockerfile"))

# One value of each parameter, none of them the default.
VALUES = {
    "input": "gs://bucket/calls/**.flac",
    "input_format": "webdataset",
    "output": "gs://bucket/out",
    "model": "gs://bucket/models/base",
    "precision": "float16",
    "padding": "condensed",
    "provider": "cuda",
    "require_provider": "true",
    "language": "from_manifest",
    "task": "translate",
    "prompt": "Names: Ada, Grace; and more",
    "second_model": "whisper-base",
    "speaker_model": "gs://bucket/models/speakers",
    "enhance_model": "gs://bucket/models/denoiser",
    "speaker_count": "2",
    "dnsmos": "true",
    "classify_model": "gs://bucket/models/clap",
    "candidate_labels": "a dog,rain, wind",
    "hypothesis_template": "One hears {}.",
    "segmenter": "fixed",
    "vad_preset": "whisperx",
    "window_seconds": "25.5",
    "overlap_seconds": "1.5",
    "channels": "split",
    "tracks": "1",
    "decoder": "soundfile",
    "decoder_allow": "sds,voc",
    "isolate_decoding": "false",
    "max_recording_seconds": "7200.0",
    "max_source_bytes": "1048576",
    "max_channels": "2",
    "max_sample_rate_hz": "48000",
    "normalizer": "basic-1",
    "rules": "strict",
    "partition_by": "date,language,speaker",
    "metadata_columns": "speaker,source",
    "store_audio": "flac",
    "batch_seconds": "60.0",
    "gpu_memory_fraction": "0.5",
    "part_minutes": "7.5",
    "unit_bytes": "4096",
    "limit": "3",
    "retry_failures": "true",
}
# What goes with them only when there is no input: of a stream, and a manifest.
OF_STREAMS = {
    "allow_inputs": "gs://bucket/calls,gs://other",
    "subscription": "projects/p/subscriptions/s",
    "max_wait_seconds": "12.5",
    "event_time_attribute": "spoken",
    "output_topic": "projects/p/topics/t",
    "drift_reference": "gs://bucket/reference",
    "drift_threshold": "0.5",
    "log_format": "json",
}
OF_BATCHES = {"input", "input_format", "limit", "retry_failures"}
OF_A_STREAM = {name: VALUES[name] for name in VALUES if name not in OF_BATCHES} | OF_STREAMS
EVERY_VALUE = VALUES | OF_STREAMS | {"manifest": "gs://bucket/m.jsonl"}


def test_written_files_are_as_the_flags_are() -> None:
    for path, content in write_metadata.contents().items():
        assert path.read_text(encoding="utf-8") == content, (
            f"{path.name} is not of these flags: python templates/write_metadata.py"
        )


def test_every_flag_is_a_parameter_and_the_image_is_one_more() -> None:
    assert list(PARAMETERS) == [*FLAGS, "sdk_container_image"]
    required = {name for name, each in PARAMETERS.items() if not each.get("isOptional")}
    assert required == {"output", "sdk_container_image"}


def test_the_help_shows_every_parameter_with_its_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name in FLAGS:
        default = PARAMETERS[name].get("defaultValue")
        described = re.escape(FLAGS[name].metadata["help"])
        suffix = re.escape(f" (default: {default})") if default is not None else ""
        assert re.search(f"--{name} .*{described}{suffix}", shown, re.IGNORECASE), name


@pytest.mark.parametrize("name", FLAGS)
def test_values_pass_the_parameters_checks(name: str) -> None:
    parameter = PARAMETERS[name]
    values = [EVERY_VALUE[name], parameter.get("defaultValue")]
    for value in filter(None, values):
        for pattern in parameter.get("regexes", []):
            assert re.search(pattern, value), (name, value)
        if parameter["paramType"] == "ENUM":
            assert value in {option["value"] for option in parameter["enumOptions"]}


# A value that each pattern refuses.
WRONG = {
    "input": "calls/",
    "manifest": "m.jsonl",
    "output": "out",
    "model": "../model",
    "second_model": "./whisper base",
    "allow_inputs": "gs://bucket,/calls",
    "subscription": "projects/p/topics/t",
    "event_time_attribute": "",
    "output_topic": "t",
    "drift_reference": "out",
    "precision": "float-16",
    "provider": "cuda,cpu",
    "language": "en,de",
    "channels": "left",
    "tracks": "first",
    "decoder_allow": "sds voc",
    "normalizer": "my.module:function",
    "partition_by": "date;language",
    "metadata_columns": "speaker;source",
    "rules": "my.yaml",
    "limit": "-1",
    "classify_model": "./sounds",
    "speaker_model": "speakers/",
    "enhance_model": "denoiser",
    "speaker_count": "two",
    "max_source_bytes": "64G",
    "max_channels": "2.5",
    "max_sample_rate_hz": "48k",
    "unit_bytes": "8MB",
    "window_seconds": "half",
    "overlap_seconds": "-1",
    "max_recording_seconds": "1h",
    "batch_seconds": "fast",
    "gpu_memory_fraction": "80%",
    "part_minutes": "15 min",
    "max_wait_seconds": "30s",
    "drift_threshold": "1/4",
    "sdk_container_image": "worker-cpu",
}
WITH_PATTERN = [name for name, each in PARAMETERS.items() if each.get("regexes")]


@pytest.mark.parametrize("name", WITH_PATTERN)
def test_examples_in_the_help_pass_and_a_wrong_value_does_not(name: str) -> None:
    parameter = PARAMETERS[name]
    examples = parameter["helpText"].partition("; for example ")[2].split(" or ")
    for pattern in parameter["regexes"]:
        for example in examples:
            assert re.search(pattern, example), example
        assert not re.search(pattern, WRONG[name])


@pytest.mark.parametrize("name", [name for name in WITH_PATTERN if name in FLAGS])
def test_examples_are_values_of_the_flag(name: str) -> None:
    given = {"output": "out"} if name in OF_STREAMS else {"output": "out", "input": "in"}
    if name in OF_STREAMS:
        given["subscription"] = OF_STREAMS["subscription"]
    if name == "manifest":
        del given["input"]
    if name in {"window_seconds", "overlap_seconds"}:
        given["segmenter"] = "fixed"
    if name == "drift_threshold":
        given["drift_reference"] = "gs://bucket/reference"
    if name == "speaker_count":
        given["speaker_model"] = "gs://bucket/speakers"
    for example in PARAMETERS[name]["helpText"].partition("; for example ")[2].split(" or "):
        resolve(given | {name: example})


def test_the_service_knows_every_field_of_the_metadata() -> None:
    """Its own type refuses a field that it does not know, and an unknown kind of parameter."""
    written = (TEMPLATES / "metadata.json").read_text("utf-8")
    read = TemplateMetadata.from_json(written)
    assert [each.name for each in read.parameters] == list(PARAMETERS)
    with pytest.raises(ParseError, match="groupname"):
        TemplateMetadata.from_json(written.replace("groupName", "groupname"))


def test_parameters_stand_in_groups_or_below_a_parent() -> None:
    groups = {each["groupName"] for each in PARAMETERS.values() if "groupName" in each}
    assert groups == {*map(str.capitalize, get_args(Group)), "Workers"} - {"Streaming"}
    for name, each in PARAMETERS.items():
        assert ("groupName" in each) != ("parentName" in each), name
        if "parentName" in each:
            parent = PARAMETERS[each["parentName"]]
            options = {option["value"] for option in parent.get("enumOptions", ())}
            assert set(each.get("parentTriggerValues", ())) <= options, name


def test_streams_are_supported_by_pubsubs_own_kinds_of_parameters() -> None:
    described = json.loads((TEMPLATES / "metadata.json").read_text("utf-8"))
    assert described["streaming"]
    assert (described["supportsExactlyOnce"], described["supportsAtLeastOnce"]) == (True, False)
    assert PARAMETERS["subscription"]["paramType"] == "PUBSUB_SUBSCRIPTION"
    assert PARAMETERS["output_topic"]["paramType"] == "PUBSUB_TOPIC"


@pytest.mark.parametrize("values", [VALUES, OF_A_STREAM], ids=["batch", "stream"])
def test_what_the_launcher_passes_is_the_configuration(values: dict[str, str]) -> None:
    assert EVERY_VALUE.keys() == set(FLAGS)
    program = (
        "import sys, runpy\n"
        "from beam_audio.command import running\n"
        "running.run_and_report = lambda settings, flags: print(repr(settings), flags) or 0\n"
        f"runpy.run_path({str(TEMPLATES / 'launcher.py')!r}, run_name='__main__')"
    )
    of_launcher = ["--runner=DataflowRunner", "--template_location=gs://b/t/job_object"]
    of_launcher.append("--of_a_later_launcher=1")
    flags = [f"--{name}={value}" for name, value in values.items()]
    # A request gives switches of Beam a value, which Beam refuses.
    switches = ["--enable_hot_key_logging=true", "--save_main_session=false"]
    command = [sys.executable, "-c", program, *flags, *of_launcher, *switches]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f"{resolve(values)!r} {[*of_launcher, '--enable_hot_key_logging']}" in ran.stdout


# The images


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def test_there_are_two_images() -> None:
    assert [path.name for path in DOCKERFILES] == ["worker-cpu.Dockerfile", "worker-gpu.Dockerfile"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
class TestDockerfile:
    def test_images_are_pinned_by_digest(self, dockerfile: Path) -> None:
        steps = instructions(dockerfile)
        pins = dict(
            rest.split("=", 1) for word, rest in steps if word == "ARG" and "IMAGE=" in rest
        )
        for pin in pins.values():
            assert re.fullmatch(r"[\w./-]+(:[\w.-]+)?@sha256:[0-9a-f]{64}", pin)
        stages = [rest.split() for word, rest in steps if word == "FROM"]
        assert {stage[0] for stage in stages} == {f"${{{name}}}" for name in pins}
        named = {stage[2] for stage in stages if len(stage) > 1}
        for word, rest in steps:
            if word == "COPY" and rest.startswith("--from="):
                assert rest.split()[0].removeprefix("--from=") in named
        assert "latest" not in dockerfile.read_text(encoding="utf-8")

    def test_it_does_not_run_as_root(self, dockerfile: Path) -> None:
        steps = instructions(dockerfile)
        users = [rest for word, rest in steps if word == "USER"]
        assert users == ["${RUN_AS}"]
        assert ("ARG", "RUN_AS=beam") in steps
        assert any(word == "RUN" and "useradd" in rest for word, rest in steps)
        after = [word for word, _ in steps[steps.index(("USER", "${RUN_AS}")) :]]
        assert "ENTRYPOINT" in after

    def test_what_is_copied_is_in_the_clone_and_in_the_context(self, dockerfile: Path) -> None:
        context = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        for word, rest in instructions(dockerfile):
            if word == "COPY" and not rest.startswith("--from="):
                for source in rest.split()[:-1]:
                    assert (ROOT / source).exists(), source
                    assert f"!{source.partition('/')[0]}" in context, source

    def test_packages_come_from_the_lock_alone(self, dockerfile: Path) -> None:
        for word, rest in instructions(dockerfile):
            for install in re.findall(r"pip install[^&]*", rest) if word == "RUN" else ():
                assert "--require-hashes" in install or {"--no-deps", "--no-build-isolation"} <= {
                    *install.split()
                }
        assert not re.search("apt-get|curl|wget", dockerfile.read_text(encoding="utf-8"))

    def test_the_worker_starts_beams_program_of_this_version(self, dockerfile: Path) -> None:
        steps = instructions(dockerfile)
        lock = ROOT / "requirements" / f"{dockerfile.stem}.txt"
        (version,) = re.findall(r"^apache-beam==([\d.]+)", lock.read_text("utf-8"), re.MULTILINE)
        assert any(f"python/container@v{version}" in rest for word, rest in steps if word == "RUN")
        assert steps[-1] == ("ENTRYPOINT", '["/opt/apache/beam/boot"]')

    def test_workers_load_arrow_with_the_allocator_of_the_command(self, dockerfile: Path) -> None:
        assert ("ENV", "ARROW_DEFAULT_MEMORY_POOL=system") in instructions(dockerfile)


def test_one_of_the_onnx_runtimes_is_in_each_lock() -> None:
    for kind, wanted in (("cpu", "onnxruntime"), ("gpu", "onnxruntime-gpu")):
        lock = (ROOT / "requirements" / f"worker-{kind}.txt").read_text(encoding="utf-8")
        assert re.findall(r"^(onnxruntime[\w-]*)==", lock, re.MULTILINE) == [wanted]
        entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
        assert all("--hash=sha256:" in entry for entry in entries)


def test_build_script_registers_the_images_it_pushed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in ("docker", "gcloud"):
        (tmp_path / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >>{log}\n'
            'case "$1" in inspect) echo "${4%:*}@sha256:1";; esac\n'
        )
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [str(TEMPLATES / "build.sh"), "h/p/r", "1.0", "gs://b/t/"]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    lines = log.read_text().splitlines()
    built = [line for line in lines if line.startswith("docker build")]
    assert [re.findall(r"--tag (\S+)", line) for line in built] == [
        ["h/p/r/worker-cpu:1.0"],
        ["h/p/r/worker-gpu:1.0"],
    ]
    assert lines[-1].startswith("gcloud dataflow flex-template build gs://b/t/beam-audio-1.0.json")
    assert "--image=h/p/r/worker-cpu@sha256:1 " in lines[-1]
