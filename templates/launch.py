r"""Submits a run to Dataflow with workers that fit it; prints the command first.

    python templates/launch.py --image=IMAGE --gpu=nvidia-l4 \
        --input='gs://bucket/calls/**' --output=gs://bucket/out --model=whisper-base \
        --project=P --region=europe-west4 --temp_location=gs://bucket/tmp --max_num_workers=4

A stream has ``--subscription`` in place of ``--input``. All other flags go to ``beam-audio run``,
or with ``--template=gs://….json`` to that flex template. Without ``--gpu`` the workers are CPUs.
``--print`` only prints. docs/dataflow.md tells the rest.
"""

from __future__ import annotations

import argparse
import math
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# Machine types by the cores that stand beside one GPU of a kind, fewest first.
GPU_MACHINES: Final = {
    "nvidia-l4": {cores: f"g2-standard-{cores}" for cores in (4, 8, 12, 16, 32)},
    "nvidia-tesla-t4": {cores: f"n1-standard-{cores}" for cores in (4, 8, 16, 32)},
}
CPU_MACHINE: Final = "n2-standard-4"
_BESIDE_DECODING: Final = 1  # a core for Beam and for feeding the GPU
_HOUR_SECONDS: Final = 3600.0
_ON_A_GPU: Final = {"provider": "cuda", "require_provider": "true", "precision": "float16"}
_MODEL: Final = "whisper-tiny.en"  # of a run that names none
_OF_GCLOUD: Final = {
    "project": "project",
    "region": "region",
    "temp_location": "temp-location",
    "staging_location": "staging-location",
    "num_workers": "num-workers",
    "max_num_workers": "max-workers",
    "service_account_email": "service-account-email",
    "subnetwork": "subnetwork",
    "no_use_public_ips": "disable-public-ips",
}

Flags = dict[str, str | None]
"""Values by the names of flags, None for a switch that stands alone."""


@dataclass(frozen=True, slots=True)
class Workers:
    """What a worker is.

    Attributes:
        machine_type: Of Compute Engine.
        harness_threads: Units of work that one process has at a time.
        gpu: Kind of its one GPU; None for CPUs.
    """

    machine_type: str
    harness_threads: int
    gpu: str | None = None

    @property
    def accelerator(self) -> str:
        """The GPU as Dataflow takes it; 5xx is the newer driver, which CUDA 13 needs."""
        return f"worker_accelerator=type:{self.gpu};count:1;install-nvidia-driver:5xx"

    @property
    def options(self) -> Flags:
        """Beam's options of such workers."""
        return {
            "number_of_worker_harness_threads": str(self.harness_threads),
            "autoscaling_algorithm": "THROUGHPUT_BASED",
            "disk_size_gb": "50",  # the image for GPUs alone has four
        }

    @property
    def experiments(self) -> list[str]:
        """One process a GPU, which then holds one copy of the model."""
        return ["no_use_multiple_sdk_containers"] if self.gpu else []


def cores_to_decode(times_real_time: float, decode_seconds: float) -> int:
    """Cores that decode, resample, detect and measure as fast as a GPU transcribes.

    Args:
        times_real_time: Of the GPU.
        decode_seconds: CPU-seconds an hour of audio; ``benchmarks/decode.py`` measures them.
    """
    return math.ceil(times_real_time * decode_seconds / _HOUR_SECONDS)


def fit_workers(gpu: str | None, times_real_time: float, decode_seconds: float) -> Workers:
    """Workers whose cores keep the GPU fed.

    Raises:
        ValueError: No machine with one such GPU has the cores.
    """
    if gpu is None:
        return Workers(CPU_MACHINE, harness_threads=1)
    decoding = cores_to_decode(times_real_time, decode_seconds)
    for cores, machine_type in GPU_MACHINES[gpu].items():
        if cores >= decoding + _BESIDE_DECODING:
            return Workers(machine_type, harness_threads=decoding + 1, gpu=gpu)
    most = max(GPU_MACHINES[gpu])
    raise ValueError(
        f"{decoding} cores would have to decode for one {gpu}, and at most {most} stand beside "
        "one: the GPU would wait; take a smaller GPU, or CPUs"
    )


def direct_command(workers: Workers, image: str, flags: Flags) -> list[str]:
    """``beam-audio run`` on Dataflow."""
    gpu: Flags = {**_ON_A_GPU} if workers.gpu else {}
    of_beam: Flags = {
        "runner": "DataflowRunner",
        "sdk_container_image": image,
        "machine_type": workers.machine_type,
    }
    written = _written({**gpu, **of_beam, **workers.options, **flags})
    command = [sys.executable, "-m", "beam_audio", "run", *written]
    if workers.gpu:
        command.append(f"--dataflow_service_options={workers.accelerator}")
    return command + [f"--experiments={name}" for name in workers.experiments]


def template_command(
    workers: Workers, image: str, flags: Flags, *, template: str, job_name: str
) -> list[str]:
    """``gcloud dataflow flex-template run``."""
    gpu: Flags = {**_ON_A_GPU} if workers.gpu else {}
    parameters = {name: value for name, value in flags.items() if name not in _OF_GCLOUD}
    of_gcloud: Flags = {_OF_GCLOUD[name]: flags[name] for name in flags if name in _OF_GCLOUD}
    command = ["gcloud", "dataflow", "flex-template", "run", job_name]
    command += _written({"template-file-gcs-location": template, **of_gcloud})
    command += [
        f"--worker-machine-type={workers.machine_type}",
        f"--parameters={_list({**gpu, 'sdk_container_image': image, **parameters})}",
        f"--additional-pipeline-options={_list(workers.options)}",
    ]
    experiments = [*workers.experiments, *([workers.accelerator] if workers.gpu else [])]
    if experiments:
        command.append(f"--additional-experiments={','.join(experiments)}")
    return command


def _written(flags: Flags) -> list[str]:
    return [f"--{name}" + ("" if value is None else f"={value}") for name, value in flags.items()]


def _list(values: Flags) -> str:
    """A list of gcloud's whose values may hold commas."""
    return "^~^" + "~".join(f"{name}={value or 'true'}" for name, value in values.items())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the command and run it; returns its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--image", required=True, help="the workers' image, best by its digest")
    parser.add_argument("--gpu", choices=GPU_MACHINES, help="one of them a worker")
    parser.add_argument(
        "--times_real_time",
        type=float,
        help="speed of one such GPU, as measured; without it a table's, if the model is in it",
    )
    parser.add_argument(
        "--decode_seconds",
        type=float,
        default=8.0,
        help="CPU-seconds an hour of audio, measuring included: 8 for FLAC at 16 kHz, 34 for Opus "
        "at 48 kHz",
    )
    parser.add_argument("--template", help="gs://….json of a flex template")
    parser.add_argument("--job_name", default="beam-audio")
    parser.add_argument("--print", action="store_true", help="only print the command")
    given, rest = parser.parse_known_args(arguments)
    flags: Flags = {}
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            parser.error(f"{word!r}: flags are written --name=value")
        flags[name] = value if equals else None
    speed = given.times_real_time or 0.0
    if given.gpu and not speed:
        from beam_audio.command.speeds import usual_gpu_speed  # noqa: PLC0415 - a launch may do without the package

        model = flags.get("model") or _MODEL
        usual = usual_gpu_speed(given.gpu, model)
        if usual is None:
            parser.error(
                f"--gpu needs --times_real_time=N for --model={model}, which was measured on no "
                "GPU; docs/dataflow.md tells how it is measured"
            )
        speed = usual.times_real_time
        print(f"{given.gpu}: {speed:g} x real time, {usual.measured}", file=sys.stderr)
    try:
        workers = fit_workers(given.gpu, speed, given.decode_seconds)
    except ValueError as error:
        parser.error(str(error))
    if given.template:
        command = template_command(
            workers, given.image, flags, template=given.template, job_name=given.job_name
        )
    else:
        command = direct_command(workers, given.image, flags | {"job_name": given.job_name})
    print(shlex.join(command), flush=True)
    return 0 if given.print else subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
