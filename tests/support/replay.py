"""Replays a Dockerfile's steps where there is no Docker: in a folder and a fresh environment.

    python tests/support/replay.py templates/worker-gpu.Dockerfile FOLDER

Every ARG, ENV, COPY and RUN is done, in order, with the paths of the image placed below FOLDER and
its Python a virtual environment. What the base images would bring is left out: their COPY --from,
and users with what they own. What is left is what a Dockerfile gets wrong: packages that do not
install together, files that are not copied, models that cannot be built, variables with typos.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_IMAGE_PATH = re.compile(r"(?<![\w./])/(?=(?:opt|go|var)/)")
_WITHOUT_USERS = "useradd() { :; }; chown() { :; }; "


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction of a Dockerfile, its continued lines joined."""

    word: str
    rest: str
    line: int


def read_steps(dockerfile: Path) -> list[Step]:
    """The instructions of a Dockerfile, in order."""
    steps, held, start = [], "", 0
    for number, text in enumerate(dockerfile.read_text(encoding="utf-8").splitlines(), 1):
        if not held and (not text.strip() or text.startswith("#")):
            continue
        start = start if held else number
        held += text.removesuffix("\\") + (" " if text.endswith("\\") else "")
        if not text.endswith("\\"):
            word, _, rest = held.partition(" ")
            steps.append(Step(word, rest.strip(), start))
            held = ""
    return steps


@dataclass(slots=True)
class Image:
    """What stands for an image: a folder, and the variables its steps see."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        """Where its Python is."""
        return self.folder / "venv" / "bin"

    def run(self, script: str) -> None:
        """Do what RUN does."""
        placed = _IMAGE_PATH.sub(f"{self.folder}/", script)
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", _WITHOUT_USERS + placed],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            check=True,
        )

    def copy(self, sources: list[str], target: str) -> None:
        """Do what COPY does: a folder's content goes into the target, links stay links."""
        placed = self.folder / target.lstrip("/")
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, placed, symlinks=True, dirs_exist_ok=True)
            else:
                into = placed / Path(source).name if target.endswith("/") else placed
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / source, into)

    def environment(self) -> dict[str, str]:
        """Variables of a process in the image, its Python first on the path."""
        outside = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        placed = {
            name: _IMAGE_PATH.sub(f"{self.folder}/", value)
            for name, value in self.variables.items()
        }
        return outside | placed | {"PATH": f"{self.bin}:{outside['PATH']}"}


def replay(dockerfile: Path, folder: Path, python: str) -> Image:
    """Do the steps of a Dockerfile's last stage.

    Args:
        dockerfile: Its path.
        folder: Where the image's files go.
        python: An interpreter of the base image's version.
    """
    steps = read_steps(dockerfile)
    last = max(index for index, step in enumerate(steps) if step.word == "FROM")
    image = Image(folder)
    subprocess.run([python, "-m", "venv", "--clear", image.bin.parent], check=True)
    for step in steps[last + 1 :]:
        sys.stderr.write(f"{dockerfile.name}:{step.line} {step.word} {step.rest[:80]}\n")
        words = shlex.split(step.rest)
        if step.word in {"ARG", "ENV"}:
            image.variables |= dict(word.split("=", 1) for word in words)
        elif step.word == "COPY" and not words[0].startswith("--from="):
            image.copy(words[:-1], words[-1])
        elif step.word == "RUN":
            image.run(step.rest)
    return image


def find_python(version: str) -> str:
    """An interpreter of this version that runs: on the path, or one that pyenv keeps."""
    kept = Path.home() / ".pyenv" / "versions"
    candidates = [f"python{version}", *map(str, kept.glob(f"{version}.*/bin/python{version}"))]
    for candidate in candidates:
        path = shutil.which(candidate)
        if path and subprocess.run([path, "-c", "import ensurepip"], check=False).returncode == 0:
            return path
    sys.exit(f"the images are replayed with python{version}: install it, or put it on the PATH")


def python_version(dockerfile: Path) -> str:
    """Version of Python in a Dockerfile's base image, such as 3.13."""
    found = re.search(r"PYTHON_IMAGE=python:(\d+\.\d+)\.", dockerfile.read_text(encoding="utf-8"))
    if found is None:
        sys.exit(f"{dockerfile} has no ARG PYTHON_IMAGE=python:X.Y.Z-…")
    return found[1]


def demo(image: Image) -> str:
    """Run the demo in the image; what it printed."""
    ran = subprocess.run(
        [image.bin / "beam-audio", "demo"],
        cwd=image.folder,
        env=image.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ran.stdout


if __name__ == "__main__":
    _dockerfile, _folder = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    _image = replay(_dockerfile, _folder, find_python(python_version(_dockerfile)))
    sys.stdout.write(demo(_image))
