"""The runner a run takes, and the threads of its model."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import (
    DirectOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    S3Options,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio.errors import ConfigError
from beam_audio.run import runners

CORES = os.cpu_count() or 1


def options(*flags: str) -> PipelineOptions:
    return PipelineOptions(list(flags))


@pytest.mark.parametrize("flags", [(), ("--runner=DirectRunner",), ("--runner=FnApiRunner",)])
def test_the_local_runner_is_never_one_that_is_downloaded(flags: tuple[str, ...]) -> None:
    assert isinstance(runners.choose_runner(options(*flags)), FnApiRunner)
    assert runners.is_local(options(*flags))


@pytest.mark.parametrize("name", ["DataflowRunner", "PortableRunner"])
def test_other_runners_are_beams_to_find(name: str) -> None:
    assert runners.choose_runner(options(f"--runner={name}")) is None
    assert not runners.is_local(options(f"--runner={name}"))


@pytest.mark.parametrize(
    ("flags", "shared"),
    [
        ((), True),
        (("--direct_running_mode=multi_threading",), True),
        (("--direct_running_mode=multi_processing",), False),
        (("--runner=PrismRunner",), True),
        (("--runner=PrismRunner", "--environment_type=DOCKER"), False),
        (("--runner=FlinkRunner",), False),
        (("--runner=FlinkRunner", "--environment_type=LOOPBACK"), False),
    ],
)
def test_workers_share_the_model_of_this_process_or_not(
    flags: tuple[str, ...],
    shared: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert runners.runs_in_this_process(options(*flags)) is shared


@pytest.mark.parametrize(
    ("flags", "here"),
    [
        (("--direct_running_mode=multi_processing",), True),
        (("--runner=PrismRunner", "--environment_type=LOOPBACK"), True),
        (("--runner=PrismRunner", "--environment_type=PROCESS"), False),
        (("--runner=FlinkRunner",), False),
        (("--runner=DataflowRunner",), False),
    ],
)
def test_a_list_is_taken_in_waves_where_workers_read_files_of_this_machine(
    flags: tuple[str, ...],
    here: bool,  # noqa: FBT001 - a parameter
) -> None:
    assert runners.reads_files_here(options(*flags)) is here


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
        (("--runner=FlinkRunner", "--sdk_worker_parallelism=0"), 1),
        (("--runner=FlinkRunner", "--parallelism=8"), None),
        (("--runner=DataflowRunner",), 1),
        (("--runner=DataflowRunner", "--experiments=no_use_multiple_sdk_containers"), None),
        (("--runner=apache_beam.runners.DataflowRunner",), 1),
    ],
)
def test_processes_share_the_cores(flags: tuple[str, ...], threads: int | None) -> None:
    assert runners.threads_per_process(options(*flags)) == threads


@pytest.mark.parametrize(
    ("flags", "at_a_time", "units"),
    [
        ((), 2, 8),
        ((), 9, 9),
        ((), 1, 1),
        (("--direct_running_mode=multi_threading",), 2, 1),
        (("--direct_num_workers=3",), 2, 3),
        (("--runner=PrismRunner",), 2, 1),
    ],
)
def test_a_local_run_does_several_units_if_its_recogniser_takes_several_batches(
    flags: tuple[str, ...], at_a_time: int, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    wanted = options(*flags)
    runners.overlap_units(wanted, at_a_time)
    direct = wanted.view_as(DirectOptions)
    assert direct.direct_num_workers == units
    assert (direct.direct_running_mode == "multi_threading") == (
        units > 3 or "--direct_running_mode=multi_threading" in flags
    )
    assert runners.runs_in_this_process(wanted)


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


def test_flink_takes_a_job_server_that_is_named_and_nothing_by_surprise(tmp_path: Path) -> None:
    jar = tmp_path / "job-server.jar"
    wanted = ["--runner=FlinkRunner", "--flink_master=host:8081", "--environment_type=LOOPBACK"]
    with pytest.raises(ConfigError, match="--flink_job_server_jar=PATH"):
        runners.choose_runner(options(*wanted))
    wanted.append(f"--flink_job_server_jar={jar}")
    with pytest.raises(ConfigError, match=r"job-server\.jar is not a file"):
        runners.choose_runner(options(*wanted))
    jar.touch()
    with pytest.raises(ConfigError, match="--job_server_java_launcher=PATH"):
        runners.choose_runner(options(*wanted, "--job_server_java_launcher=/no/java"))
    wanted.append(f"--job_server_java_launcher={sys.executable}")
    assert runners.choose_runner(options(*wanted)) is None


@pytest.mark.parametrize(
    ("given", "taken"), [([], ["-XX:TieredStopAtLevel=1"]), (["-Xmx1g", "-Xint"], None)]
)
def test_flinks_job_server_starts_quickly_unless_its_java_is_told_otherwise(
    given: list[str], taken: list[str] | None, tmp_path: Path
) -> None:
    jar = tmp_path / "job-server.jar"
    jar.touch()
    wanted = options(
        *("--runner=FlinkRunner", "--flink_master=host:8081", "--environment_type=LOOPBACK"),
        *(f"--flink_job_server_jar={jar}", f"--job_server_java_launcher={sys.executable}"),
        *(f"--job_server_jvm_properties={each}" for each in given),
    )
    runners.choose_runner(wanted)
    assert wanted.view_as(JobServerOptions).job_server_jvm_properties == (taken or given)


@pytest.mark.parametrize(
    ("flags", "known"),
    [
        ((), False),
        (("--environment_type=LOOPBACK",), True),
        (("--environment_type=EXTERNAL", "--environment_config=127.0.0.1:50000"), True),
        (("--sdk_container_image=mine",), True),
        (("--flink_master=[local]",), True),
    ],
)
def test_flink_is_told_where_its_workers_run(
    flags: tuple[str, ...],
    known: bool,  # noqa: FBT001 - a parameter
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"--job_endpoint=127.0.0.1:{server.getsockname()[1]}"
        wanted = options("--runner=FlinkRunner", "--flink_master=host:8081", endpoint, *flags)
        if known:
            assert runners.choose_runner(wanted) is None
        else:
            with pytest.raises(ConfigError, match="--environment_type=EXTERNAL"):
                runners.choose_runner(wanted)


@pytest.mark.parametrize("runner", ["PrismRunner", "PortableRunner"])
def test_a_job_may_take_longer_than_beam_waits_for_it(runner: str) -> None:
    wanted = options(f"--runner={runner}", "--prism_location=prism")
    runners.choose_runner(wanted)
    assert wanted.view_as(PortableOptions).job_server_timeout > 86_400
    stated = options(f"--runner={runner}", "--prism_location=prism", "--job_server_timeout=7")
    runners.choose_runner(stated)
    assert stated.view_as(PortableOptions).job_server_timeout == 7


def test_a_job_server_that_does_not_answer_is_not_waited_for() -> None:
    with pytest.raises(ConfigError, match=r"--job_endpoint=127\.0\.0\.1:1 does not answer"):
        runners.choose_runner(options("--runner=PortableRunner", "--job_endpoint=127.0.0.1:1"))


@pytest.mark.parametrize(
    ("flags", "processes"),
    [
        ((), 1),
        (("--direct_running_mode=multi_threading", "--direct_num_workers=4"), 1),
        (("--direct_running_mode=multi_processing", "--direct_num_workers=3"), 3),
        (("--direct_running_mode=multi_processing", "--direct_num_workers=0"), CORES),
        (("--runner=FlinkRunner",), 1),
        (("--runner=FlinkRunner", "--parallelism=4"), 4),
        (("--runner=PrismRunner",), 1),
        (("--runner=DataflowRunner",), 1),
        (("--runner=DataflowRunner", "--num_workers=5"), 5),
        (("--runner=DataflowRunner", "--num_workers=5", "--max_num_workers=9"), 9),
    ],
)
def test_so_many_processes_may_share_a_recording(flags: tuple[str, ...], processes: int) -> None:
    assert runners.worker_processes(options(*flags)) == processes
