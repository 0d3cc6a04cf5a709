"""What a job holds, and what is refused before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.run_outputs import run, settings, write_speech
from support.small_enhancers import write_enhancer
from support.unit_runs import read

from beam_audio.enhancers.network import load_enhancer
from beam_audio.errors import ConfigError
from beam_audio.output import processes
from beam_audio.run.job import agree_on_layout, check_run, committed_before
from beam_audio.transforms.live_model import FixedModel, LiveModel

if TYPE_CHECKING:
    from pathlib import Path


def test_a_batch_has_a_fixed_model_that_is_loaded_already(tmp_path: Path) -> None:
    write_speech(tmp_path / "in" / "a.wav")
    config = settings(input=tmp_path / "in", output=tmp_path / "out")
    job = check_run(config, PipelineOptions())
    assert isinstance(job.model, FixedModel)
    assert job.held is not None
    used, recognizer = job.held()
    assert used == job.settings
    assert recognizer.transcribe([]) == []
    assert job.output == config.output
    assert list(committed_before(job)) == []


def test_a_stream_has_a_model_that_can_be_exchanged(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_speech(tmp_path / "in" / name)
    run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    batch = settings(input=tmp_path / "in", output=tmp_path / "out")
    stream = settings(subscription="projects/p/subscriptions/s", output=tmp_path / "out")
    assert len(list(committed_before(check_run(batch, PipelineOptions())))) == 2
    job = check_run(stream, PipelineOptions())
    assert isinstance(job.model, LiveModel)
    assert len(list(committed_before(job))) == 2


def test_an_enhancer_is_loaded_and_named_before_a_run_begins(tmp_path: Path) -> None:
    write_speech(tmp_path / "in" / "a.wav")
    given = {"input": tmp_path / "in", "output": tmp_path / "out"}
    with pytest.raises(ConfigError, match=r"--enhance_model=.*/none: .* has no enhancer\.json"):
        check_run(settings(**given, enhance_model=tmp_path / "none"), PipelineOptions())
    folder = write_enhancer(tmp_path / "half")
    job = check_run(settings(**given, enhance_model=folder), PipelineOptions())
    assert job.settings.prepare.enhancer == load_enhancer(str(folder)).model
    assert run(**given, enhance_model=folder).exit_status == 0
    named = {row["enhance_model_id"] for row in read(tmp_path / "out", "segments")}
    assert named == {job.settings.rows.enhance_model_id}
    assert str(named.pop()).startswith("small-")


def test_of_two_first_runs_with_other_folders_the_second_is_refused(tmp_path: Path) -> None:
    """Neither has committed anything; a batch and a stream may begin at the same time."""
    write_speech(tmp_path / "in" / "a.wav")
    out = {"output": tmp_path / "out", "partition_by": "date"}
    stream = settings(subscription="projects/p/subscriptions/s", **out)
    agree_on_layout(check_run(stream, PipelineOptions()), processes.own())
    with pytest.raises(ConfigError, match=r"just begun with another --partition_by; .*\.layout"):
        run(input=tmp_path / "in", output=tmp_path / "out")
    assert run(input=tmp_path / "in", **out).exit_status == 0


def test_worker_processes_load_the_model_themselves(tmp_path: Path) -> None:
    write_speech(tmp_path / "in" / "a.wav")
    config = settings(input=tmp_path / "in", output=tmp_path / "out")
    options = PipelineOptions(["--direct_running_mode=multi_processing"])
    assert check_run(config, options).held is None
