"""Packs what ``gpu.py`` and the GPU tests need for a machine with a GPU and without a network.

    python benchmarks/gpu_pack.py --data=../shared/data --architecture=90

It writes parts of at most 60 MB and ``run_there.py``, which unpacks them and runs everything:

    python run_there.py --out=RESULTS

ONNX Runtime's library keeps its kernels for one architecture: 90 for H100 and H200, 89 for L4, 75
for T4. The other machine needs Python of the version given, and the packages in ``THERE``. The
weights of the large network are random, and are made there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
from corpus import is_english_with_reference
from cuda_kernels import blank_others
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from reference import RATE_HZ, read_clips

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
PART_BYTES: Final = 60_000_000
_XZ_PRESET: Final = 3  # higher ones take minutes longer and save a tenth
SCRIPT: Final = "run_there.py"
SUMS: Final = "parts.json"
THERE: Final = frozenset(
    (
        *("torch", "transformers", "tokenizers", "onnx", "ml-dtypes"),
        *("numpy", "pyarrow", "grpcio", "protobuf"),
    )
)
"""What the other machine has; what else it has is used in place of what is packed."""
_EXTRAS: Final = ("media", "onnx-asr", "whisper-tiny")
_OTHERS: Final = ("ctranslate2", "pytest", "hypothesis")
_BESIDE: Final = ("onnxruntime-gpu", "faster-whisper", "packaging")
_PLATFORMS: Final = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64")
_CUDA: Final = "onnxruntime/capi/libonnxruntime_providers_cuda.so"


def main() -> None:
    """Write the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--architecture", type=int, default=90)
    parser.add_argument("--python", default="3.12", help="of the other machine")
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "gpu-pack")
    given = parser.parse_args()
    shutil.rmtree(given.target, ignore_errors=True)
    content = given.target / "content"
    content.mkdir(parents=True)
    copy_project(content / "project")
    write_clips(given.data, content / "clips")
    install(content / "site", given.python)
    _make_small(content / "site", given.architecture)
    write_parts(content, given.target)
    shutil.rmtree(content)
    shutil.copyfile(Path(__file__).with_name(SCRIPT), given.target / SCRIPT)
    sizes = {path.name: path.stat().st_size for path in sorted(given.target.iterdir())}
    print("\n".join(f"{size:>12,}  {name}" for name, size in sizes.items()))


def copy_project(target: Path) -> None:
    """Copy the files of the project that are under version control."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def write_clips(data: Path, target: Path) -> None:
    """Write the English clips and a manifest as the shared audio has it."""
    target.mkdir()
    lines = []
    for number, clip in enumerate(read_clips(data, is_english_with_reference)):
        name = f"{number:03d}.flac"
        samples = np.clip(clip.samples, -1, 1)
        soundfile.write(target / name, samples, RATE_HZ, subtype="PCM_16")
        seconds = len(samples) / RATE_HZ
        line = {"audio_filepath": name, "text": clip.text, "duration": seconds}
        lines.append(json.dumps(line | {"kind": "speech", "lang": "en", "decode_ok": True}))
    (target / "manifest.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def install(target: Path, python: str) -> None:
    """Install packages for the other machine, in the versions that are installed here."""
    versions = dict(closure([*own_requirements(), *_OTHERS], python))
    pinned = [f"{name}=={version}" for name, version in versions.items()]
    pinned += [each for each in _BESIDE if each not in versions]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(target),
    ]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform={platform}" for platform in _PLATFORMS]
    pinned[pinned.index("onnxruntime-gpu")] += f"=={metadata.version('onnxruntime')}"
    subprocess.run([*command, *pinned], check=True)


def own_requirements() -> list[str]:
    """What the project needs, as its file says: what is installed of it here may be older."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(each for name in _EXTRAS for each in extras[name])]


def closure(wanted: Sequence[str], python: str) -> Iterator[tuple[str, str]]:
    """Names and versions of what is installed here for requirements, beside what is there."""
    seen: set[tuple[str, str]] = set()
    open_ends = [Requirement(each) for each in wanted]
    named: set[str] = set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        if name in THERE:
            continue
        found = metadata.distribution(requirement.name)
        if name not in named:
            named.add(name)
            yield name, found.version
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for each in map(Requirement, found.requires or ()):
                place = {"extra": extra, "python_version": python}
                if each.marker is None or each.marker.evaluate(place):
                    open_ends.append(each)


def _make_small(site: Path, architecture: int) -> None:
    """Take out what nobody runs there: kernels of other cards, symbols for debuggers."""
    library = bytearray((site / _CUDA).read_bytes())
    blank_others(library, architecture)
    (site / _CUDA).write_bytes(library)
    for path in (site / "ctranslate2").glob("_ext*.so"):
        subprocess.run(["strip", "--strip-debug", str(path)], check=True)


class _Parts:
    """Writes bytes to files of a size, one after the other."""

    def __init__(self, target: Path, part_bytes: int) -> None:
        self._target = target
        self._part_bytes = part_bytes
        self._rest = bytearray()
        self.sums: dict[str, str] = {}

    def write(self, content: bytes) -> int:
        self._rest += content
        while len(self._rest) >= self._part_bytes:
            self._cut()
        return len(content)

    def close(self) -> None:
        if self._rest:
            self._cut()

    def _cut(self) -> None:
        part, name = self._rest[: self._part_bytes], f"part-{len(self.sums):02d}"
        del self._rest[: self._part_bytes]
        (self._target / name).write_bytes(part)
        self.sums[name] = hashlib.sha256(part).hexdigest()


def write_parts(content: Path, target: Path, part_bytes: int = PART_BYTES) -> None:
    """Pack a folder into parts, with the sum of each."""
    parts = _Parts(target, part_bytes)
    with (
        lzma.LZMAFile(parts, "wb", preset=_XZ_PRESET) as packed,  # type: ignore[arg-type] # it only writes
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        archive.add(content, arcname=".")
    parts.close()
    (target / SUMS).write_text(json.dumps(parts.sums, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
