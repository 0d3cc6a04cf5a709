"""How fast a worker transcribes: as an earlier run did, or as a table says."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.output.folder import require_readable
from beam_audio.run.run_flags import AUTO_PRECISION
from beam_audio.store.output_names import RUN_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.run.config import RunConfig

_NO_RUN_FILE: Final = (
    *(ValueError, KeyError, TypeError, AttributeError, ArithmeticError),
    RecursionError,
)
"""What reading a run file raises that is cut off, of another version or somebody else's."""
_LEAST_RUN_SECONDS: Final = 60.0
"""The speed of a shorter run says little: starting takes most of its time."""
_OF_GPUS: Final = {"CUDAExecutionProvider", "TensorrtExecutionProvider"}


@dataclass(frozen=True, slots=True)
class Speed:
    """Source seconds a second of one worker, and where they were measured."""

    times_real_time: float
    measured: str


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The speed that a run file tells."""

    model: tuple[object, ...]
    on_gpu: bool
    cores: int
    times_real_time: float
    run_id: str


def known_gpus() -> tuple[str, ...]:
    """Names of GPUs, as Google Cloud has them."""
    return tuple(_table("gpu_speeds")["gigabytes_per_second"])


def worker_speed(config: RunConfig, *, cores: int, gpu: str | None = None) -> Speed:
    """Speed of this model: that of the last longer run over this output, else a table's.

    Args:
        config: The flags of the run.
        cores: Cores of a worker. On CPUs, its speed grows with them.
        gpu: The one GPU of a worker; None for CPUs.

    Raises:
        ConfigError: The speed of this model was never measured, or the output is of an older
            schema.
    """
    wanted = (config.model, _decided(config.precision, gpu), config.padding)
    for run in _earlier(config.output) if config.output else ():
        if run.model == wanted and run.on_gpu == (gpu is not None):
            share = 1 if gpu else cores / run.cores
            return Speed(run.times_real_time * share, f"run {run.run_id}")
    usual = _cpu_speed(config, cores) if gpu is None else usual_gpu_speed(gpu, config.model)
    if usual is None:
        raise ConfigError(
            f"--model={config.model} has no measured speed: run some of it with --limit=50 into "
            "this --output first, or give the speed as --times_real_time=N"
        )
    return usual


def usual_gpu_speed(gpu: str, model: str) -> Speed | None:
    """Speed of a model on one GPU in float16; None for a model that was measured on none.

    For a GPU other than the measured one it is an estimate: the share of the time in which that
    one was busy grows as its memory is faster, and the rest, which is the host's, stays.

    Args:
        gpu: One of :func:`known_gpus`.
        model: A card's name.
    """
    table = _table("gpu_speeds")
    row = next((row for row in table["speeds"] if row["model"] == model), None)
    if row is None:
        return None
    if gpu == table["gpu"]:
        return Speed(row["times_real_time"], f"measured on {table['measured']}")
    bandwidth = table["gigabytes_per_second"]
    slower = bandwidth[table["gpu"]] / bandwidth[gpu]
    longer = (1 - row["busy"]) + row["busy"] * slower
    return Speed(
        round(row["times_real_time"] / longer),
        f"an estimate by memory bandwidth from {table['measured']}; measure yours",
    )


def _cpu_speed(config: RunConfig, cores: int) -> Speed | None:
    table = _table("speeds")
    wanted = (
        *(config.model, _decided(config.precision, None) or "float32"),
        config.padding or "full",
    )
    for row in table["speeds"]:
        if (row["model"], row["precision"], row["padding"]) == wanted:
            return Speed(row["times_real_time_per_core"] * cores, table["measured"])
    return None


def _decided(precision: object, gpu: str | None) -> object:
    """The precision that ``auto`` is; None is the model's own."""
    if precision == AUTO_PRECISION:
        return "float16" if gpu else None
    return precision


def _table(name: str) -> dict[str, Any]:
    file = resources.files("beam_audio").joinpath(f"data/{name}.json")
    table: dict[str, Any] = json.loads(file.read_bytes())
    return table


def _earlier(output: str) -> Iterator[_Earlier]:
    """Models and their speeds by the run files of an output, the last first; others tell none."""
    names = (str(each.path) for each in store.files_like(output, RUN_FILES))
    for name in sorted(names, reverse=True):
        with store.open_to_read(name) as file:
            content = file.read()
        with contextlib.suppress(*_NO_RUN_FILE):
            run: dict[str, Any] = json.loads(content)
            flags, found = run["configuration"], run["throughput"]
            require_readable(run.get("schema_version"), output)
            earlier = _Earlier(
                model=(flags["model"], _decided(flags["precision"], None), flags["padding"]),
                on_gpu=not _OF_GPUS.isdisjoint(run["providers"]),
                cores=run["machine"]["cores"],
                times_real_time=found["times_real_time"],
                run_id=run["run_id"],
            )
            is_long = found["wall_seconds"] >= _LEAST_RUN_SECONDS
            if is_long and 0 < earlier.times_real_time / earlier.cores < math.inf:
                yield earlier
