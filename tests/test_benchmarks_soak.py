"""The figures of the soak, from samples made up here."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.project import ROOT

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def soak(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("soak")


def test_growth_is_found_and_its_interval_holds_it_as_often_as_it_says(soak: ModuleType) -> None:
    """Noise that lasts for a minute, on 45 minutes of samples."""
    noise, times = np.random.default_rng(1), np.arange(0, 2700, 5.0)
    held = 0
    for _ in range(200):
        level, levels = 0.0, []
        for shock in noise.normal(size=len(times)):
            level = 0.92 * level + shock
            levels.append(level)
        found = soak.slope(times, 800 + 6 * times / 3600 + np.array(levels))
        held += abs(found.an_hour - 6) <= found.margin
    assert 0.85 <= held / 200 <= 0.99


def test_what_stays_has_no_growth(soak: ModuleType) -> None:
    found = soak.slope(np.arange(0, 2700, 5.0), np.full(540, 16))
    assert (found.an_hour, found.margin) == (0, 0)


def test_a_few_samples_say_nothing(soak: ModuleType) -> None:
    assert soak.slope([0, 5, 10], [1, 2, 3]) is None


def test_processes_that_were_started_count(soak: ModuleType) -> None:
    alone = soak.usage(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        memory, files, threads = soak.usage(os.getpid())
        child.communicate(b"\n")
    assert memory > alone[0] + 1
    assert files >= alone[1] + 3
    assert threads >= alone[2] + 1


def test_messages_are_clips_once_or_twice_or_broken(soak: ModuleType) -> None:
    sent = [soak.message(number) for number in range(1, 101)]
    assert sent[9] == sent[8] != sent[7]
    assert [number for number, (_, given) in enumerate(sent, 1) if "uri" not in given] == [100]
    assert len({given["uri"] for _, given in sent[:99]}) == 90
