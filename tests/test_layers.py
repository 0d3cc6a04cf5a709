"""Imports point upwards only, Beam stays below, and every module has its place and its test."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "beam_audio"

# A module may import from rows above its own. Inside a package, and between asr and models,
# imports are free. "beam_audio" is the package's own __init__.
ROWS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "errors spelling types version",
        "vad_graph",
        "cuts decoders manifest stability stages text vad vad_settings",
        "energies joining messages scores",
        "evidence",
        "audio clips metrics rules segment",
        "schema",
        "asr models",
        "batching gcs pubsub topic_messages",
        "store",
        "opening output_folder swap",
        "commits parts recording remote subscription topic",
        "columns ledger recognition staleness",
        "outcomes",
        "rows",
        "stored",
        "compact drift places redo",
        "interval outbox",
        "accounts",
        "unit_work",
        "unit",
        "transforms",
        "access config runners",
        "flags run_file submission",
        "pipeline plan",
        "streaming",
        "doctor summary",
        "actions",
        "cli",
        "__main__ beam_audio",
    )
)
PACKAGES_IN_ONE_ROW = {"asr", "decoders", "models", "transforms"}
FILE_SYSTEMS = {
    *("apache_beam.io.filesystem", "apache_beam.io.filesystems"),
    "apache_beam.io.gcp.gcsio",
    *("apache_beam.io.aws.clients.s3", "apache_beam.io.aws.clients.s3.messages"),
}

# Not everybody installs these, or they take long to import: only when something needs them.
IMPORTED_LATE = {
    *("av", "ctranslate2", "huggingface_hub", "onnx", "onnx_asr", "onnxruntime"),
    *("tensorflow", "tensorflow_io", "tokenizers"),
}

WITHOUT_TEST_FILE = {
    "__main__": "two lines; tests/test_package.py runs it",
    "asr.recognizer": "a protocol and a value, without behaviour",
    "errors": "classes without behaviour",
    "version": "tests/test_package.py reads it",
}


def module_name(path: Path) -> str:
    """``beam_audio/asr/whisper.py`` is ``asr.whisper``; a package is its ``__init__.py``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) or "beam_audio"


# Not rglob: it does not enter beam_audio/models, a link.
MODULES = {
    module_name(path): path
    for path in sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*/*.py"), *PACKAGE.glob("*/*/*.py")])
}


def top_of(name: str) -> str:
    """First part of a dotted name."""
    return name.partition(".")[0]


def row_of(name: str) -> int:
    """Row of a module, by its first part."""
    for number, row in enumerate(ROWS):
        if top_of(name) in row:
            return number
    pytest.fail(f"beam_audio.{name} has no row: give it one in ROWS of {Path(__file__).name}")


def imported_names(tree: ast.Module, importer: str) -> Iterator[str]:
    """Full dotted names of all a module imports, inside functions and type blocks too."""
    is_package = MODULES[importer].name == "__init__.py"
    parents = [] if importer == "beam_audio" else importer.split(".")
    package = ["beam_audio", *(parents if is_package else parents[:-1])]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def own_module(name: str) -> str | None:
    """Module of this package that an imported name stands for, or None for a foreign one."""
    first, *parts = name.split(".")
    if first != "beam_audio":
        return None
    while parts and ".".join(parts) not in MODULES:
        parts.pop()  # the last part is something inside the module
    return ".".join(parts) or "beam_audio"


def is_allowed(importer: str, imported: str) -> bool:
    """Whether ``importer`` may import ``imported``."""
    if row_of(imported) != row_of(importer):
        return row_of(imported) < row_of(importer)
    return {top_of(importer), top_of(imported)} <= PACKAGES_IN_ONE_ROW


@pytest.fixture(params=sorted(MODULES))
def module(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def test_imports_point_upwards(module: str, tree: ast.Module) -> None:
    own = {own_module(name) for name in imported_names(tree, module)} - {None, module}
    wrong = sorted(name for name in own if name and not is_allowed(module, name))
    assert not wrong, f"beam_audio.{module} (row {row_of(module) + 1}) may not import {wrong}"


def test_beam_stays_below(module: str, tree: ast.Module) -> None:
    names = imported_names(tree, module)
    beam = {name for name in names if top_of(name) == "apache_beam"}
    if row_of(module) < row_of("store"):
        assert not beam
    elif row_of(module) < row_of("transforms"):
        assert {name for name in beam if name.rpartition(".")[0] not in FILE_SYSTEMS} == set()


def test_the_command_starts_without_heavy_libraries() -> None:
    program = "import sys, beam_audio.cli; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert not IMPORTED_LATE & set(ran.stdout.split())


def test_the_rows_name_the_modules_there_are() -> None:
    named = {name for row in ROWS for name in row}
    assert named == {top_of(name) for name in MODULES}


def test_module_has_its_test_file(module: str) -> None:
    is_init = MODULES[module].name == "__init__.py"
    expected = Path(__file__).with_name(f"test_{module.replace('.', '_')}.py")
    if is_init or module in WITHOUT_TEST_FILE:
        assert is_init or not expected.exists(), f"{module} need no longer be exempt"
    else:
        assert expected.exists(), f"beam_audio.{module} has no tests/{expected.name}"


def test_exemptions_are_modules() -> None:
    assert set(WITHOUT_TEST_FILE) <= set(MODULES)
