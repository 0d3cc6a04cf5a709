"""Which runner a run takes, and how many threads a model gets in each of its worker processes."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apache_beam.options.pipeline_options import (
    DebugOptions,
    DirectOptions,
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    PrismRunnerOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability import flink_runner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from apache_beam.runners.runner import PipelineRunner

_LOCAL: Final = (None, "DirectRunner", "FnApiRunner")
_PRISM: Final = "PrismRunner"
_IN_THIS_PROCESS: Final = (None, "LOOPBACK")
"""Types of environment with which workers of Prism are threads of the command."""

_CORES_OF_A_UNIT: Final = 2
_LONGEST_SECONDS: Final = 365 * 86_400
_ANSWER_SECONDS: Final = 60.0
_ONE_CONTAINER: Final = "no_use_multiple_sdk_containers"
_QUICK_JAVA: Final = "-XX:TieredStopAtLevel=1"
"""Java compiles itself once and quickly: a job server ends before more would pay."""


def is_local(options: PipelineOptions) -> bool:
    """Whether Beam's own local runner does the work, on this machine."""
    return _name(options) in _LOCAL


def runs_in_this_process(options: PipelineOptions) -> bool:
    """Whether the workers share this process and its model: Beam's local runner, or Prism."""
    if _name(options) == _PRISM:
        return options.view_as(PortableOptions).environment_type in _IN_THIS_PROCESS
    return is_local(options) and _running_mode(options) != "multi_processing"


def reads_files_here(options: PipelineOptions) -> bool:
    """Whether all workers read files of this machine, so that a batch can be done in waves."""
    return is_local(options) or runs_in_this_process(options)


def is_dataflow(options: PipelineOptions) -> bool:
    """Whether the run is a job on Dataflow, which goes on when this process ends."""
    return _name(options) == "DataflowRunner"


def choose_runner(options: PipelineOptions) -> PipelineRunner | None:
    """The local runner; None for every other, which Beam finds by its name.

    By itself Beam would download Prism, even for its ``DirectRunner``, and Flink's job server. Here
    both are used only if they are named, from where they are installed.

    Raises:
        ConfigError: The runner lacks something that can be checked beforehand.
    """
    if is_local(options):
        return FnApiRunner(provision_info=_provision(options))
    if _name(options) == _PRISM:
        prism = options.view_as(PrismRunnerOptions)
        prism.prism_location = prism.prism_location or _find_prism()
        if runs_in_this_process(options):
            # One unit at a time, as on the local runner: the recogniser uses all cores.
            options.view_as(DebugOptions).add_experiment("prism_disable_sdf_split")
    if _name(options) == "FlinkRunner":
        _check_flink(options)
        server = options.view_as(JobServerOptions)
        server.job_server_jvm_properties = server.job_server_jvm_properties or [_QUICK_JAVA]
    if not is_dataflow(options):
        _wait_for_the_end(options)
    return None


def _wait_for_the_end(options: PipelineOptions) -> None:
    """Wait for a job server as long as a job takes; by itself Beam gives up after five minutes.

    Raises:
        ConfigError: Nobody answers at ``--job_endpoint``, which would be waited for as long.
    """
    portable = options.view_as(PortableOptions)
    by_itself = PipelineOptions([]).view_as(PortableOptions)
    if portable.job_server_timeout != by_itself.job_server_timeout:
        return
    if endpoint := portable.job_endpoint:
        host, _, port = endpoint.rpartition(":")
        try:
            socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
        except (OSError, ValueError) as error:
            raise ConfigError(f"--job_endpoint={endpoint} does not answer: {error}") from error
    portable.job_server_timeout = _LONGEST_SECONDS


def overlap_units(options: PipelineOptions, at_a_time: int) -> None:
    """Have a local run do several units at a time if its recogniser takes several batches.

    While one is written and the next one opened, a device has the batches of the others. A unit may
    hold few recordings, each of which one core prepares, so there is a unit for every two cores. On
    a CPU the recogniser uses all cores, and one unit at a time is the fastest.
    """
    direct = options.view_as(DirectOptions)
    is_plain = direct.direct_num_workers == 1 and direct.direct_running_mode == "in_memory"
    if is_local(options) and is_plain and at_a_time > 1:
        direct.direct_num_workers = max(at_a_time, (os.cpu_count() or 1) // _CORES_OF_A_UNIT)
        direct.direct_running_mode = "multi_threading"


def share_cores(options: PipelineOptions) -> None:
    """Have a local job without a model use all cores, by a process for each."""
    direct = options.view_as(DirectOptions)
    is_plain = direct.direct_num_workers == 1 and direct.direct_running_mode == "in_memory"
    cores = len(os.sched_getaffinity(0))
    if is_local(options) and is_plain and cores > 1:
        direct.direct_num_workers = cores
        direct.direct_running_mode = "multi_processing"


def threads_per_process(options: PipelineOptions) -> int | None:
    """Threads of a model so that the worker processes of a machine share its cores.

    None gives all cores to one process. On Flink that is one process per TaskManager, shared by all
    of its slots, unless ``--sdk_worker_parallelism`` says otherwise.
    """
    if is_local(options):
        workers = options.view_as(DirectOptions).direct_num_workers or os.cpu_count() or 1
        return _share(workers) if _running_mode(options) == "multi_processing" else None
    if is_dataflow(options):
        # By default Dataflow starts one process per core, on other machines than this.
        experiments = options.view_as(DebugOptions).experiments or []
        return None if _ONE_CONTAINER in experiments else 1
    processes = int(options.view_as(PortableOptions).sdk_worker_parallelism)
    if processes == 0:
        return 1  # the runner chooses, and starts about one process per core
    return _share(processes) if processes > 1 else None


def worker_processes(options: PipelineOptions) -> int:
    """How many worker processes may share a long recording; 1 if it is not known.

    Workers that share one process have one model: they would decode a recording several times and
    recognise it no faster.
    """
    if is_local(options):
        workers = int(options.view_as(DirectOptions).direct_num_workers or os.cpu_count() or 1)
        return 1 if runs_in_this_process(options) else workers
    if is_dataflow(options):
        machines = options.view_as(WorkerOptions)
        return int(machines.max_num_workers or machines.num_workers or 1)
    return max(1, int(options.view_as(FlinkRunnerOptions).parallelism))


def _provision(options: PipelineOptions) -> ExtendedProvisionInfo:
    """The options as worker processes get them; by itself the runner would not send any."""
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options(drop_default=True))
    return ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded))


def _share(processes: int) -> int:
    return max(1, (os.cpu_count() or 1) // processes)


def _name(options: PipelineOptions) -> str | None:
    name: str | None = options.view_as(StandardOptions).runner
    return name.rpartition(".")[2] if name else None


def _running_mode(options: PipelineOptions) -> str:
    return str(options.view_as(DirectOptions).direct_running_mode)


def _check_flink(options: PipelineOptions) -> None:
    """Refuse what Beam would report late or unclearly, or would answer by downloading."""
    flink, server = options.view_as(FlinkRunnerOptions), options.view_as(JobServerOptions)
    workers = options.view_as(PortableOptions)
    if not workers.job_endpoint:
        jar = flink.flink_job_server_jar
        if not jar:
            raise ConfigError(
                "--runner=FlinkRunner needs Beam's job server for your Flink: name its jar with "
                "--flink_job_server_jar=PATH ('make flink-up' makes .flink/job-server.jar), or a "
                "running server with --job_endpoint=HOST:PORT"
            )
        if "://" not in jar and not Path(jar).is_file():
            raise ConfigError(f"--flink_job_server_jar={jar} is not a file")
        if shutil.which(server.job_server_java_launcher) is None:
            raise ConfigError(
                f"--runner=FlinkRunner starts a job server with {server.job_server_java_launcher}, "
                "which was not found: install Java 11 or 17, or name a launcher with "
                "--job_server_java_launcher=PATH"
            )
    said_where = workers.environment_type or options.view_as(WorkerOptions).sdk_container_image
    if not said_where and flink.flink_master not in flink_runner.MAGIC_HOST_NAMES:
        raise ConfigError(
            "--runner=FlinkRunner would start its workers in Beam's own container, which lacks "
            "beam_audio; say where they run: --environment_type=EXTERNAL "
            "--environment_config=HOST:PORT for a worker pool, --environment_type=LOOPBACK for "
            "this process, or --sdk_container_image=IMAGE"
        )


def _find_prism() -> str:
    beside = Path(sys.executable).with_name("prism")
    found = shutil.which("prism") or (str(beside) if beside.is_file() else None)
    if found is None:
        raise ConfigError(
            "--runner=PrismRunner needs the prism program: 'make prism' builds it, or name one "
            "with --prism_location=PATH"
        )
    return found
