"""Hostile inputs of all families through the real command: nothing dies, is lost or is fetched."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.integration

INPUTS = 1_600
MOST_SECONDS = 60.0
MOST_MEBIBYTES = 2_000


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield


@pytest.fixture
def hostile(benchmarks: None) -> ModuleType:  # noqa: ARG001 - that is where it is
    return importlib.import_module("hostile")


def test_hostile_inputs_cost_themselves_only(
    hostile: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    each = -(-INPUTS // len(hostile.FAMILIES))
    measured = {name: hostile.measure(name, each, seed=1) for name in hostile.FAMILIES}
    with capfd.disabled():
        print(f"\n{hostile.table(measured)}")
    for name, found in measured.items():
        assert found.is_right, (name, found)
        assert found.slowest_seconds < MOST_SECONDS, (name, found)
        assert found.peak_mebibytes < MOST_MEBIBYTES, (name, found)
    assert sum(found.inputs for found in measured.values()) >= INPUTS
    assert measured["wrong suffixes"].recordings == each
    assert measured["names"].recordings == each


def test_a_run_over_hostile_recordings_may_be_killed_anywhere(
    benchmarks: None,  # noqa: ARG001 - that is where it is
    tmp_path: Path,
) -> None:
    """benchmarks/killed.py does the same with 5,000 recordings and ten kills."""
    found = importlib.import_module("killed").measure(tmp_path, 300, 3)
    assert found.is_right, found
    assert found.failures
