"""The plan of the package: ten layers, Beam in few of them, and a test file for every module."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import rooms

if TYPE_CHECKING:
    from support.rooms import Module

MOST_ROOMS, MOST_FLOORS, MOST_ARROWS = 30, 10, 189
FIRST_WITH_BEAM = "transforms"
STORE_TAKES_OF_BEAM = {
    *("apache_beam.io.filesystem", "apache_beam.io.filesystems", "apache_beam.io.gcp.gcsio"),
    *("apache_beam.io.aws.clients.s3", "apache_beam.io.aws.clients.s3.messages"),
    *("apache_beam.internal.gcp", "apache_beam.options.pipeline_options"),  # credentials
}

# Not everybody installs these, or they take long to import: only when something needs them.
IMPORTED_LATE = {
    *("av", "ctranslate2", "deltalake", "duckdb", "huggingface_hub", "onnx", "onnx_asr"),
    *("onnxruntime", "pyiceberg"),
    *("pyloudnorm", "scipy", "tensorflow", "tensorflow_io", "tokenizers"),
}

WITHOUT_TEST_FILE = {
    "__main__": "tests/test_main.py runs it",
    "asr.recognizer": "a protocol and values, without behaviour",
    "output.registration": "values, without behaviour",
    "quality.pii_words": "words alone; tests/quality/test_pii.py is about them",
    "unit.events": "values, without behaviour",
    "version": "tests/test_package.py reads it",
}


@pytest.fixture(params=rooms.modules().values(), ids=lambda module: module.name)
def module(request: pytest.FixtureRequest) -> Module:
    found: Module = request.param
    return found


def test_imports_point_to_layers_above() -> None:
    assert not rooms.back_arrows()


def test_rooms_have_no_circle_inside() -> None:
    circles = {room: rooms.circle_inside(room) for layer in rooms.LAYERS for room in layer}
    assert not {room: circle for room, circle in circles.items() if circle}


def test_the_plan_stays_small() -> None:
    floors = rooms.floors()
    assert len(floors) <= MOST_ROOMS
    assert max(floors.values()) <= MOST_FLOORS
    assert len(rooms.arrows()) <= MOST_ARROWS


def test_layers_name_the_rooms_there_are() -> None:
    assert len(rooms.LAYERS) == 10
    assert {room for layer in rooms.LAYERS for room in layer} == {
        module.room for module in rooms.modules().values()
    }


def test_eight_files_are_outside_a_room() -> None:
    outside = {path.stem for path in rooms.PACKAGE.glob("*.py")}
    assert outside == {*rooms.LAYERS[0], "__init__", "__main__"}


def test_beam_stays_in_the_lower_layers() -> None:
    first = next(n for n, layer in enumerate(rooms.LAYERS, 1) if FIRST_WITH_BEAM in layer)
    for module in rooms.modules().values():
        names = rooms.imported_names(module.path)
        beam = {name.rpartition(".")[0] for name in names if name.startswith("apache_beam")}
        if module.layer < first:
            assert beam <= (STORE_TAKES_OF_BEAM if module.room == "store" else set()), module.name


def test_rooms_say_what_comes_in_and_what_goes_out() -> None:
    for path in rooms.PACKAGE.rglob("__init__.py"):
        if path.parent != rooms.PACKAGE:
            lines = path.read_text(encoding="utf-8").splitlines()
            starts = [line.partition(": ")[0] for line in lines]
            assert {"In", "Out", "Main function"} <= set(starts), path


def test_the_command_starts_without_heavy_libraries() -> None:
    program = "import sys, beam_audio.command.cli; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=rooms.ROOT, check=True, capture_output=True, text=True)
    assert not IMPORTED_LATE & set(ran.stdout.split())


def test_module_has_its_test_file(module: Module) -> None:
    is_init = module.path.name == "__init__.py"
    *folders, leaf = module.name.split(".")
    expected = rooms.ROOT.joinpath("tests", *folders, f"test_{leaf}.py")
    if is_init or module.name in WITHOUT_TEST_FILE:
        assert is_init or not expected.exists(), f"{module.name} need no longer be exempt"
    else:
        assert expected.exists(), f"beam_audio.{module.name} has no {expected}"


def test_exemptions_are_modules() -> None:
    assert set(WITHOUT_TEST_FILE) <= set(rooms.modules())


def test_what_the_plan_counts_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rooms.main()
    assert f"{len(rooms.arrows())} arrows, 0 back, 0 circles" in capsys.readouterr().out
