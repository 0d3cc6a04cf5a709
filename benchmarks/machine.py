"""What the benchmarks run on, and how busy its GPU is."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import time
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.command.interrupts import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator

# What decides how fast small numbers are multiplied.
_TELLING_FLAGS = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimddp",
    "i8mm",
    "bf16",
)
_PACKAGES = (
    *("onnxruntime", "onnxruntime-gpu", "faster-whisper", "ctranslate2"),
    *("torch", "transformers", "numpy"),
)
_SAMPLE_MILLISECONDS = 200
_LOOK_SECONDS = 0.02
_TELLING_MEBIBYTES = 1


def describe_machine() -> dict[str, object]:
    """CPU, the instructions that matter, cores, GPU, and the versions of what is compared."""
    facts = _cpu_facts()
    flags = set(facts.get("flags", facts.get("features", "")).split())
    return {
        "cpu": facts.get("model name", platform.processor() or platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "flags": [flag for flag in _TELLING_FLAGS if flag in flags],
        "gpu": _gpu_name(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": _versions(),
    }


def processes(first: int) -> list[Path]:
    """The folders in /proc of a process and of those below it."""
    return [Path(f"/proc/{each}") for each in (first, *descendants(first))]


def used_mebibytes(first: int) -> float:
    """Memory of a process and of those below it; what several share counts once."""
    used = 0
    for each in processes(first):
        with suppress(OSError, IndexError):  # it has ended
            used += int(
                (each / "smaps_rollup").read_text("utf-8").partition("\nPss:")[2].split()[0]
            )
    return used / 1024


def cpu_seconds(first: int) -> float:
    """Processor time of a process, of those below it, and of those that have ended there."""
    ticks = 0
    for each in processes(first):
        with suppress(OSError):  # it has ended, and its parent has its time
            # The name of the program, in brackets, may hold spaces.
            fields = (each / "stat").read_text("utf-8").rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _private_mebibytes(first: int) -> float:
    """Resident memory of a process and of those below it that is not of a file; a fast look."""
    pages = 0
    for each in processes(first):
        with suppress(OSError, IndexError):  # it has ended
            resident, of_files = map(int, (each / "statm").read_text("ascii").split()[1:3])
            pages += resident - of_files
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def peak_mebibytes(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> float:
    """The most memory that a process and those below it use, as looks find it; waits for its end.

    A whole count takes some ten milliseconds, in which a peak comes and goes. So fast looks come
    often, and each that finds a mebibyte more than any before calls for a count. Fast looks take a
    twentieth of a core, and all counts together some seconds. What the process prints must not fill
    a pipe.
    """
    peak = most = 0.0
    while process.poll() is None:
        start = time.monotonic()
        private = _private_mebibytes(process.pid)
        look = time.monotonic() - start
        if private >= most + _TELLING_MEBIBYTES:
            most = private
            peak = max(peak, used_mebibytes(process.pid))
        time.sleep(max(_LOOK_SECONDS, 20 * look))
    return peak


def available_bytes() -> int:
    """Memory that new processes can have without swapping."""
    text = Path("/proc/meminfo").read_text("utf-8")
    return int(text.partition("MemAvailable:")[2].split()[0]) * 1024


def machine_line(machine: dict[str, object]) -> str:
    """The same for a person to read."""
    flags, versions = machine["flags"], machine["versions"]
    parts = [
        f"{machine['cores']} cores of {machine['cpu']}",
        ", ".join(flags if isinstance(flags, list) else []) or "none of the telling CPU flags",
        str(machine["gpu"] or "no GPU"),
        ", ".join(f"{name} {version}" for name, version in dict(versions).items()),  # type: ignore[call-overload]  # a dict[str, str]
    ]
    return " · ".join(parts)


def _cpu_facts() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8").split("\n\n")[0].splitlines() if path.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _nvidia_smi(*arguments: str) -> list[str] | None:
    return [program, *arguments] if (program := shutil.which("nvidia-smi")) else None


def _gpu_name() -> str | None:
    command = _nvidia_smi("--query-gpu=name", "--format=csv,noheader")
    if command is None:
        return None
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


class GpuLoad:
    """Share of the time a kernel ran, and the most memory in use, over a stretch of time."""

    def __init__(self) -> None:
        self.percent: float | None = None
        self.peak_mebibytes: float | None = None
        self._percents: list[float] = []

    def take(self, output: str) -> None:
        """Read lines of 'percent, MiB'."""
        samples = [[float(cell) for cell in line.split(",")] for line in output.splitlines()]
        if samples:
            self._percents = [sample[0] for sample in samples]
            self.percent = statistics.mean(self._percents)
            self.peak_mebibytes = max(sample[1] for sample in samples)

    def last_percent(self, seconds: float) -> float | None:
        """The share in so many seconds before the last kernel."""
        percents = list(self._percents)
        while percents and not percents[-1]:
            percents.pop()
        last = percents[-max(1, round(1000 * seconds / _SAMPLE_MILLISECONDS)) :]
        return statistics.mean(last) if last else None


@contextmanager
def gpu_load(*, wanted: bool) -> Iterator[GpuLoad]:
    """Watch the GPU through nvidia-smi inside the block; without either, nothing is known."""
    load = GpuLoad()
    command = _nvidia_smi(
        "--query-gpu=utilization.gpu,memory.used",
        "--format=csv,noheader,nounits",
        f"--loop-ms={_SAMPLE_MILLISECONDS}",
    )
    if not wanted or command is None:
        yield load
        return
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watcher:
        try:
            yield load
        finally:
            watcher.terminate()
        output, _ = watcher.communicate()
    # The last line may have been cut off.
    load.take("\n".join(output.split("\n")[:-1]))
