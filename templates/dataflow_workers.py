"""Workers that fit a run: the machine whose cores keep a GPU fed, and Beam's flags for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

# Machine types by the cores that stand beside one GPU of a kind, fewest first.
GPU_MACHINES: Final = {
    "nvidia-l4": {cores: f"g2-standard-{cores}" for cores in (4, 8, 12, 16, 32)},
    "nvidia-tesla-t4": {cores: f"n1-standard-{cores}" for cores in (4, 8, 16, 32)},
}
CPU_MACHINE: Final = "n2-standard-4"
_BESIDE_DECODING: Final = 1  # a core for Beam and for feeding the GPU
_HOUR_SECONDS: Final = 3600.0
_ON_A_GPU: Final = ("--provider=cuda", "--require_provider=true", "--precision=float16")


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
    def words(self) -> tuple[str, ...]:
        """Flags of ``beam-audio run`` and of Beam; any of them can be given otherwise."""
        return (
            *(_ON_A_GPU if self.gpu else ()),
            f"--machine_type={self.machine_type}",
            f"--number_of_worker_harness_threads={self.harness_threads}",
            "--autoscaling_algorithm=THROUGHPUT_BASED",
            "--disk_size_gb=50",  # the image for GPUs alone has four
        )

    @property
    def further_words(self) -> tuple[str, ...]:
        """Flags that stand beside what is given of the same name."""
        if self.gpu is None:
            return ()
        # 5xx is the newer driver, which CUDA 13 needs.
        accelerator = f"worker_accelerator=type:{self.gpu};count:1;install-nvidia-driver:5xx"
        # One process a GPU holds one copy of the model.
        one_process = "no_use_multiple_sdk_containers"
        return f"--dataflow_service_options={accelerator}", f"--experiments={one_process}"


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
