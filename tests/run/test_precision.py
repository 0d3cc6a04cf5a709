"""``--precision=auto`` is decided once, from the flags, the machine and the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.run_outputs import run, settings, write_speech

from beam_audio.asr import build_model
from beam_audio.run import precision
from beam_audio.run.job import check_run
from beam_audio.run.precision import with_precision

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.config import RunConfig

LOCAL = PipelineOptions()
DATAFLOW = ("--runner=DataflowRunner",)
L4 = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"


@pytest.fixture(params=[True, False], ids=["gpu", "no gpu"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A machine with a GPU, and one without."""
    monkeypatch.setattr(precision, "has_gpu", lambda: request.param)
    return bool(request.param)


def decided(options: PipelineOptions, model: str = "whisper-tiny.en", **flags: object) -> RunConfig:
    config = settings(input="gs://b/in", output="gs://b/out", model=model, **flags)
    return with_precision(config, options, model)


def test_a_gpu_here_takes_float16_and_is_needed_then(machine: bool) -> None:  # noqa: FBT001
    for provider, in_use in (("auto", "cuda"), ("cuda", "cuda"), ("tensorrt", "tensorrt")):
        config = decided(LOCAL, provider=provider)
        expected = ("float16", in_use, True) if machine else (None, provider, False)
        assert (config.precision, config.provider, config.require_provider) == expected


def test_a_stated_precision_and_the_cpu_change_nothing(machine: bool) -> None:  # noqa: ARG001, FBT001
    for flags in ({"precision": "float32"}, {"precision": "int8", "provider": "cpu"}):
        before = settings(input="gs://b/in", output="gs://b/out", **flags)
        assert with_precision(before, LOCAL, before.model) == before
    assert decided(LOCAL, provider="cpu").precision is None


@pytest.mark.parametrize(
    "asked",
    [
        f"--dataflow_service_options={L4}",
        f"--experiments={L4}",
        "--resource_hints=accelerator=type:nvidia-l4;count:1;install-nvidia-driver",
    ],
)
def test_workers_of_a_job_with_a_gpu_take_float16(machine: bool, asked: str) -> None:  # noqa: ARG001, FBT001
    config = decided(PipelineOptions([*DATAFLOW, asked]))
    assert (config.precision, config.provider, config.require_provider) == ("float16", "cuda", True)


def test_this_machine_does_not_count_where_workers_are_elsewhere(machine: bool) -> None:  # noqa: ARG001, FBT001
    for flags in (DATAFLOW, ("--runner=FlinkRunner",)):
        assert decided(PipelineOptions([*flags])).precision is None
        assert decided(PipelineOptions([*flags]), provider="cuda").precision == "float16"


def test_a_model_that_is_in_one_precision_alone_keeps_it(
    weights: str,
    machine: bool,  # noqa: FBT001
) -> None:
    assert decided(LOCAL, weights).precision == ("float16" if machine else None)
    built = str(build_model(weights, "float32"))
    for name in (built, "placeholder"):
        config = decided(LOCAL, name)
        assert (config.precision, config.provider, config.require_provider) == (None, "auto", False)


def test_the_decision_is_what_the_run_is_made_with(
    tmp_path: Path, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    write_speech(tmp_path / "in" / "a.wav")
    config = settings(input=tmp_path / "in", output=tmp_path / "out", model=weights)
    job = check_run(config, PipelineOptions(["--direct_running_mode=multi_processing"]))
    assert job.config.precision == "float16"
    assert job.settings.rows.model_id.endswith("/float16")


def test_an_output_of_the_cpu_is_not_done_again(tmp_path: Path, weights: str) -> None:
    write_speech(tmp_path / "in" / "a.wav")
    places = {"input": tmp_path / "in", "output": tmp_path / "out", "model": weights}
    run(**places, provider="cpu", precision="float32")
    again = run(**places, provider="cpu")
    assert (again.new_inputs, again.done_again, again.decoded_seconds) == (0, 0, 0)
