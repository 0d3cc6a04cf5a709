"""The wheel holds everything, and works where the clone is not."""

from __future__ import annotations

import email
import email.policy
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from apache_beam.runners.portability.stager import Stager
from packaging.requirements import Requirement
from support.project import ROOT

from beam_audio.version import __version__

if TYPE_CHECKING:
    from email.message import EmailMessage

SOURCES = [
    *("beam_audio", "models", "setup.py", "pyproject.toml", "MANIFEST.in"),
    *("README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "docs", "examples"),
]
INFO = f"beam_audio-{__version__}.dist-info"
LOCKED_EXTRAS = {"", "cpu", "media", "report", "whisper-tiny", "whisper-base", "dev"}


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Run a command away from this process's paths; its output, or a failure that shows it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=kept | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{command} ended with {ran.returncode}:\n{ran.stdout}"
    return ran.stdout


def package_files() -> set[str]:
    """Files of the package in the tree, and the cards, which go into it."""
    found = (path.relative_to(ROOT) for path in (ROOT / "beam_audio").rglob("*.*"))
    models = ROOT / "models"
    names = (path.relative_to(models).as_posix() for path in models.rglob("*.json"))
    cards = {f"beam_audio/models/cards/{name}" for name in names}
    return cards | {path.as_posix() for path in found if "__pycache__" not in path.parts}


def files_in_wheel(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, so that building leaves nothing behind in the clone."""
    copy = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def sdist(tree: Path) -> Path:
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", cwd=tree)
    (built,) = (tree / "dist").glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip_wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    run(*pip_wheel, "--wheel-dir", folder, tree, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a new environment with the wheel; dependencies are those of this one.

    They are lent by a .pth file. Such files inside a lent folder are not read, so an editable
    install of the clone stays out of reach.
    """
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    new = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=ROOT)
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(new.strip(), "lent.pth").write_text("\n".join(sorted(lent)), encoding="utf-8")
    pip_install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
    run(*pip_install, "--no-deps", "--ignore-installed", wheel, cwd=environment)
    return environment / "bin"


def test_wheel_holds_the_package_and_no_more(wheel: Path) -> None:
    files = {name for name in files_in_wheel(wheel) if ".dist-info/" not in name}
    assert files == package_files()
    assert any(name.startswith("beam_audio/models/cards/") for name in files)
    assert "beam_audio/data/demo/manifest.jsonl" in files


def test_wheel_holds_the_names_that_type_checkers_read(wheel: Path) -> None:
    assert {"beam_audio/__init__.pyi", "beam_audio/py.typed"} <= files_in_wheel(wheel)


def metadata_of(wheel: Path) -> EmailMessage:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(
            archive.read(f"{INFO}/METADATA"), policy=email.policy.default
        )


def test_wheel_states_version_licence_and_authors(wheel: Path) -> None:
    metadata = metadata_of(wheel)
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {f"{INFO}/licenses/LICENSE", f"{INFO}/licenses/NOTICE"} <= files_in_wheel(wheel)
    assert metadata["Author"]
    assert "speech-recognition" in metadata["Keywords"].split(",")


def test_readme_on_an_index_links_to_no_file_of_the_repository(wheel: Path) -> None:
    shown = metadata_of(wheel).get_content()
    assert shown.startswith("# beam_audio")
    links = re.findall(r"\]\(([^)]*)\)", shown)
    assert all(link.startswith(("https://", "#")) for link in links), links
    for name in re.findall(r"\]\((docs/\w+\.md)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert f"(`{name}" in shown


def test_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=unpacked)
    (again,) = (unpacked / "dist").glob("*.whl")
    assert files_in_wheel(again) == files_in_wheel(wheel)


def test_sdist_holds_examples_and_the_pictures_of_pages(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    shown = {
        f"docs/{picture}"
        for page in (ROOT / "docs").glob("*.md")
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    assert len(shown) >= 4
    assert shown | {"examples/own_step.py"} <= names


def test_lock_satisfies_what_the_package_asks_for(wheel: Path) -> None:
    asked = [Requirement(line) for line in metadata_of(wheel).get_all("Requires-Dist", [])]
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE):
        locked.setdefault(name, []).append(version)
    checked = 0
    for requirement in asked:
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in LOCKED_EXTRAS):
            versions = locked.get(re.sub(r"[-_.]+", "-", requirement.name).lower(), [])
            assert versions, f"{requirement} is not in the lock: run make lock"
            assert all(requirement.specifier.contains(version) for version in versions), requirement
            checked += 1
    assert checked > len(LOCKED_EXTRAS)


def test_lock_has_a_hash_for_every_package_and_names_no_source() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(
        r"^(--(extra-)?index-url|--find-links|-[fi] )|file://|://", lock, re.MULTILINE
    )


def test_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__


def test_wheel_runs_where_the_clone_is_not(installed: Path, tmp_path: Path) -> None:
    place = run(
        installed / "python", "-c", "import beam_audio as b; print(b.__file__)", cwd=tmp_path
    )
    assert place.startswith(str(installed.parent))
    listed = run(installed / "beam-audio", "models", "list", cwd=tmp_path)
    assert "whisper-tiny.en" in listed
    assert run(installed / "python", "-m", "beam_audio", "models", "list", cwd=tmp_path) == listed


@pytest.mark.slow
def test_what_setup_file_stages_for_workers_runs_the_demo(
    tree: Path, installed: Path, tmp_path: Path
) -> None:
    """The tarball that ``--setup_file=./setup.py`` sends, installed as Beam's container does it."""
    staged = Stager._build_setup_package(str(tree / "setup.py"), str(tmp_path))
    install = [sys.executable, "-m", "pip", "--python", installed / "python", "install"]
    run(*install, "--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall", staged,
        cwd=tmp_path)  # fmt: skip
    cache = str(tmp_path / "cache")
    command = installed / "beam-audio"
    assert "CPUExecutionProvider" in run(command, "doctor", cwd=tmp_path, BEAM_AUDIO_CACHE=cache)
    shown = run(command, "demo", cwd=tmp_path, BEAM_AUDIO_CACHE=cache)
    assert "walked home along the river" in shown


@pytest.mark.slow
def test_doctor_and_demo_run_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    command = installed / "beam-audio"
    assert "CPUExecutionProvider" in run(command, "doctor", cwd=tmp_path, BEAM_AUDIO_CACHE=cache)
    shown = run(command, "demo", cwd=tmp_path, BEAM_AUDIO_CACHE=cache)
    for clip in ("greenhouse.flac", "lake.mp3", "river.wav"):
        assert clip in shown
    assert "walked home along the river" in shown
    parts = (tmp_path / "demo-output" / "segments" / "date=2026-01-05").glob("*/part-*.parquet")
    assert list(parts)
