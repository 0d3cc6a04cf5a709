"""Unpacks the parts beside this file and runs the GPU tests and ``gpu.py``, without a network.

    python run_there.py --out=RESULTS [--only=tests|benchmark] [flags of gpu.py]

It needs the standard library alone. What the machine's Python has already is used as it is there.
RESULTS gets ``doctor.txt``, ``tests.txt`` and ``gpu.txt``.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).resolve().parent
_DONE: Final = "unpacked.json"


class _Parts(io.RawIOBase):
    """Files, read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type] # what io hands over
        while self._files:
            count = self._files[0].readinto(view)
            if count:
                return count
            self._files.pop(0).close()
        return 0


def unpack(parts: Path, target: Path) -> None:
    """Check the parts and unpack them, unless these very parts are unpacked there already.

    Raises:
        SystemExit: A part is missing or damaged.
    """
    text = (parts / "parts.json").read_text("utf-8")
    if (target / _DONE).is_file() and (target / _DONE).read_text("utf-8") == text:
        return
    paths = []
    for name, expected in json.loads(text).items():
        path = parts / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise SystemExit(f"{path} is missing or damaged: bring it here again")
        paths.append(path)
    with tarfile.open(fileobj=io.BufferedReader(_Parts(paths)), mode="r|xz") as archive:
        # Python 3.11 has it from its fourth release on.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(target)  # noqa: S202 - the sums of what we packed were right
    (target / _DONE).write_text(text, "utf-8")


def drop_what_is_there(site: Path) -> list[str]:
    """Remove packages that the machine's Python has; their names."""
    own = [path for path in sys.path if path and Path(path) != site]
    there = {each.name.lower().replace("_", "-") for each in metadata.distributions(path=own)}
    dropped = []
    for package in list(metadata.distributions(path=[str(site)])):
        name = package.name.lower().replace("_", "-")
        if name in there:
            dropped.append(name)
            for file in package.files or ():
                (site / str(file)).unlink(missing_ok=True)
    # An empty folder of metadata would hide the package that is there: it has no version.
    for folder, *_ in os.walk(site, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()
    return sorted(dropped)


def environment(target: Path) -> dict[str, str]:
    """Variables for programs that use what was unpacked."""
    libraries = [str(each) for each in _nvidia_folders()]
    links = target / "lib"
    links.mkdir(exist_ok=True)
    for library in ("libcublas.so", "libcublasLt.so"):
        # CTranslate2 was built for CUDA 12, and CUDA 13's library serves it.
        for folder in libraries:
            link, there = links / f"{library}.12", Path(folder, f"{library}.13")
            if there.is_file() and not link.exists():
                link.symlink_to(there)
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (target / "project", target / "site"))),
        "LD_LIBRARY_PATH": os.pathsep.join(
            filter(None, [*libraries, str(links), os.environ.get("LD_LIBRARY_PATH", "")])
        ),
        "BEAM_AUDIO_CACHE": str(target / "cache"),
        "BEAM_AUDIO_SHARED": str(target / "clips"),
    }


def _nvidia_folders() -> list[Path]:
    return sorted(Path(sysconfig.get_path("purelib"), "nvidia").glob("*/lib"))


def main() -> int:
    """Unpack and run; returns the worst exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu-results"))
    parser.add_argument("--target", type=Path, default=HERE / "unpacked")
    parser.add_argument("--only", choices=("tests", "benchmark"))
    given, flags = parser.parse_known_args()
    given.target.mkdir(parents=True, exist_ok=True)
    given.out.mkdir(parents=True, exist_ok=True)
    unpack(HERE, given.target)
    print("used as it is here:", ", ".join(drop_what_is_there(given.target / "site")), flush=True)
    python = sys.executable
    clips = given.target / "clips"
    programs = {
        "doctor": [python, "-m", "beam_audio", "doctor"],
        "tests": [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "tests/gpu"],
        "gpu": [python, "benchmarks/gpu.py", f"--data={clips}", "--json", *flags],
    }
    left_out = {"tests": "gpu", "benchmark": "tests"}.get(given.only)
    worst = 0
    for name, command in programs.items():
        if name == left_out:
            continue
        variables = environment(given.target)
        with (given.out / f"{name}.txt").open("w") as file:
            done = subprocess.run(
                command,
                cwd=given.target / "project",
                env=variables,
                check=False,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        print(f"{name}: status {done.returncode}", flush=True)
        worst = max(worst, abs(done.returncode))
    print((given.out / "gpu.txt").read_text() if left_out != "gpu" else "")
    return worst


if __name__ == "__main__":
    sys.exit(main())
