"""The runner a run takes, and the threads of its model."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, PrismRunnerOptions, S3Options
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio import runners
from beam_audio.errors import ConfigError

CORES = os.cpu_count() or 1


def options(*flags: str) -> PipelineOptions:
    return PipelineOptions(list(flags))


@pytest.mark.parametrize("flags", [(), ("--runner=DirectRunner",), ("--runner=FnApiRunner",)])
def test_the_local_runner_is_never_one_that_is_downloaded(flags: tuple[str, ...]) -> None:
    assert isinstance(runners.choose_runner(options(*flags)), FnApiRunner)
    assert runners.is_local(options(*flags))


@pytest.mark.parametrize("name", ["FlinkRunner", "DataflowRunner", "PortableRunner"])
def test_other_runners_are_beams_to_find(name: str) -> None:
    assert runners.choose_runner(options(f"--runner={name}")) is None
    assert not runners.is_local(options(f"--runner={name}"))


@pytest.mark.parametrize(
    ("flags", "shared"),
    [
        ((), True),
        (("--direct_running_mode=multi_threading",), True),
        (("--direct_running_mode=multi_processing",), False),
        (("--runner=FlinkRunner",), False),
    ],
)
def test_workers_share_the_model_of_this_process_or_not(
    flags: tuple[str, ...],
    shared: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert runners.runs_in_this_process(options(*flags)) is shared


@pytest.mark.parametrize(
    ("flags", "threads"),
    [
        ((), None),
        (("--direct_num_workers=2",), None),
        (("--direct_running_mode=multi_processing", "--direct_num_workers=1"), CORES),
        (("--direct_running_mode=multi_processing", f"--direct_num_workers={CORES}"), 1),
        (("--direct_running_mode=multi_processing", "--direct_num_workers=0"), 1),
        (("--direct_running_mode=multi_processing", "--direct_num_workers=999"), 1),
        (("--runner=FlinkRunner",), None),
        (("--runner=FlinkRunner", f"--sdk_worker_parallelism={CORES}"), 1 if CORES > 1 else None),
        (("--runner=DataflowRunner",), 1),
        (("--runner=DataflowRunner", "--experiments=no_use_multiple_sdk_containers"), None),
        (("--runner=apache_beam.runners.DataflowRunner",), 1),
    ],
)
def test_processes_share_the_cores(flags: tuple[str, ...], threads: int | None) -> None:
    assert runners.threads_per_process(options(*flags)) == threads


def test_prism_is_taken_from_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    wanted = options("--runner=PrismRunner")
    with pytest.raises(ConfigError, match="make prism"):
        runners.choose_runner(wanted)

    beside = tmp_path / "bin" / "prism"
    beside.parent.mkdir()
    beside.touch(mode=0o755)
    assert runners.choose_runner(wanted) is None
    assert wanted.view_as(PrismRunnerOptions).prism_location == str(beside)

    named = options("--runner=PrismRunner", "--prism_location=/elsewhere/prism")
    runners.choose_runner(named)
    assert named.view_as(PrismRunnerOptions).prism_location == "/elsewhere/prism"


@pytest.mark.integration
def test_worker_processes_get_the_options(tmp_path: Path) -> None:
    """Beam's local runner keeps them from its processes unless it is told."""
    given = options(
        "--direct_running_mode=multi_processing",
        "--direct_num_workers=1",
        "--s3_endpoint_url=http://localhost:9",
    )

    def write_endpoint(path: str) -> None:
        seen = FileSystems.get_filesystem("s3://")._options.view_as(S3Options)
        Path(path).write_text(seen.s3_endpoint_url, encoding="utf-8")

    with beam.Pipeline(runner=runners.choose_runner(given), options=given) as pipeline:
        _ = pipeline | beam.Create([str(tmp_path / "seen")]) | beam.Map(write_endpoint)
    assert (tmp_path / "seen").read_text() == "http://localhost:9"
