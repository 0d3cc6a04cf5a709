"""What a fresh installation takes: megabytes downloaded and on disk, package by package.

Usage: python benchmarks/install_size.py [--extras cpu,whisper-tiny] [--requirement WHEEL]

Makes a virtual environment in a temporary folder, installs the package there without pip's cache,
and prints a table of its larger packages and the sum of the rest. MB are 10**6 bytes of file
content, bytecode included. pip and setuptools of the environment are left out, and so is the model
that the first run builds in the cache.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import venv
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
MB: Final = 1e6
_UNITS: Final = {"bytes": 1.0, "kB": 1e3, "MB": 1e6}
_NOT_OURS: Final = {"pip", "setuptools"}


def canonical(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def downloaded_bytes(log: str) -> dict[str, float]:
    """By distribution, what pip says it downloaded."""
    pattern = r"Downloading ([\w.]+?)-\d\S*\.(?:whl|tar\.gz) \(([\d.]+) (\w+)\)"
    return {canonical(name): float(n) * _UNITS[unit] for name, n, unit in re.findall(pattern, log)}


def bytes_on_disk(site_packages: Path) -> dict[str, int]:
    """By distribution, the bytes of its files."""
    found = {}
    for each in metadata.distributions(path=[str(site_packages)]):
        paths = [Path(str(each.locate_file(file))) for file in each.files or ()]
        size = sum(path.stat().st_size for path in paths if path.is_file())
        found[canonical(each.metadata["Name"])] = size
    return {name: size for name, size in found.items() if name not in _NOT_OURS}


def asked_for_by(site_packages: Path) -> dict[str, set[str]]:
    """By distribution, those that ask for it without an extra, and beam-audio with one."""
    found: dict[str, set[str]] = {}
    for each in metadata.distributions(path=[str(site_packages)]):
        name = canonical(each.metadata["Name"])
        for line in each.requires or ():
            wanted = re.match(r"[\w.-]+", line)
            if wanted and ("extra ==" not in line or name == "beam-audio"):
                found.setdefault(canonical(wanted[0]), set()).add(name)
    return found


def table(disk: dict[str, int], downloads: dict[str, float], askers: dict[str, set[str]]) -> str:
    """Packages from 10 MB up, the rest in one row, and the sum."""
    lines = [
        "| package | MB on disk | MB downloaded | asked for by |",
        "| --- | ---: | ---: | --- |",
    ]
    ordered = sorted(disk, key=lambda name: -disk[name])
    large = [name for name in ordered if disk[name] >= 10 * MB]
    rest = [name for name in ordered if name not in large]
    for name in large:
        asked_by = ", ".join(sorted(askers.get(name, set()) & disk.keys()))
        lines.append(row(name, disk[name], downloads.get(name, 0), asked_by))
    others = (sum(disk[name] for name in rest), sum(downloads.get(name, 0) for name in rest))
    lines.append(row(f"{len(rest)} others", *others, ""))
    lines.append(row("**together**", sum(disk.values()), sum(downloads.values()), ""))
    return "\n".join(lines)


def row(name: str, on_disk: float, downloaded: float, asked_by: str) -> str:
    """One line of the table."""
    return f"| {name} | {on_disk / MB:.1f} | {downloaded / MB:.1f} | {asked_by} |"


def main() -> None:
    """Install and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--extras", default="cpu,whisper-tiny")
    parser.add_argument("--requirement", default=str(ROOT), help="a folder or a wheel to install")
    known = parser.parse_args()
    requirement = f"{known.requirement}[{known.extras}]"
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        install = [str(python), "-m", "pip", "install", "--no-cache-dir", "--progress-bar=off"]
        ran = subprocess.run([*install, requirement], check=True, capture_output=True, text=True)
        (site_packages,) = Path(folder).glob("lib/python*/site-packages")
        disk = bytes_on_disk(site_packages)
        print(table(disk, downloaded_bytes(ran.stdout), asked_for_by(site_packages)))


if __name__ == "__main__":
    main()
