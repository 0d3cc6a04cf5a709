"""An output with odd names that tests register, each in a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.registered import odd_output


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_output(tmp_path_factory.mktemp("odd"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / made.name))
