"""Decoders that abort, hang, leak and print cost a recording each, on runners and in streams."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.integration

POISONED = 10
SIZES = {
    "in memory": (500, POISONED),
    "multi_processing × 2": (60, 5),
    "Flink, 2 TaskManagers": (60, 5),
    "stream": (200, POISONED),
}
"""Inputs, and how many of them are poisoned; benchmarks/poison.py does 500 or 200 everywhere."""


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("poison")


@pytest.mark.parametrize("where", SIZES)
def test_poisoned_inputs_cost_themselves(
    where: str, benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "")  # the benchmark starts its own
    inputs, poisoned = SIZES[where]
    found = benchmark.measure(where, inputs, poisoned)
    assert found.is_right, found
    assert (found.recordings, found.named) == (inputs - poisoned, poisoned)
