"""The figures the benchmarks print, from timings made up here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
from support.project import ROOT

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("comparison")


def figures(
    comparison: ModuleType,
    tool: str,
    precision: str,
    seconds: tuple[float, ...],
    wer_percent: float = 10.0,
) -> Any:  # noqa: ANN401 - a class of that module
    return comparison.Figures(
        model="m",
        tool=tool,
        precision=precision,
        batch=8,
        layout="1×2",
        audio_seconds=600.0,
        round_seconds=seconds,
        clips_times_real_time=None,
        long_times_real_time=None,
        wer_percent=wer_percent,
        clips_wer_percent=wer_percent,
        long_wer_percent=wer_percent,
        load_seconds=1.0,
        peak_mebibytes=1.0,
    )


def test_speed_is_audio_over_the_median_round(comparison: ModuleType) -> None:
    one = figures(comparison, "ours", "int8", (30.0, 600.0, 60.0))
    assert one.times_real_time == 10.0
    assert one.range_times_real_time == (1.0, 20.0)


def test_ratios_take_the_best_of_each_side_whatever_its_layout(comparison: ModuleType) -> None:
    measured = [
        figures(comparison, "ours", "float32", (60.0,)),
        figures(comparison, "ours", "int8", (20.0,), wer_percent=10.3),
        figures(comparison, "pipeline", "int8", (30.0,)),
        figures(comparison, "faster-whisper", "float32", (120.0,)),
        figures(comparison, "faster-whisper", "int8", (60.0,), wer_percent=50.0),
        figures(comparison, "transformers", "float32", (50.0,)),
        figures(comparison, "transformers", "bfloat16", (80.0,)),
    ]
    assert comparison.ratios(measured, half="bfloat16") == {
        "ratio_to_faster_whisper": 3.0,
        "ratio_to_hf_bfloat16": 4.0,
        "ratio_to_hf_float32": 2.5,
        "pipeline_ratio_to_faster_whisper": 2.0,
        "pipeline_ratio_to_hf_bfloat16": pytest.approx(8 / 3),
        "pipeline_ratio_to_hf_float32": pytest.approx(5 / 3),
    }


def test_a_configuration_of_ours_that_errs_more_does_not_count(comparison: ModuleType) -> None:
    measured = [
        figures(comparison, "ours", "float32", (60.0,)),
        figures(comparison, "ours", "int8", (20.0,), wer_percent=10.4),
        figures(comparison, "faster-whisper", "int8", (90.0,)),
    ]
    found = comparison.ratios(measured, half="bfloat16")
    assert found["ratio_to_faster_whisper"] == 1.5
    assert found["ratio_to_hf_bfloat16"] is None
    assert found["pipeline_ratio_to_faster_whisper"] is None


def test_without_float32_there_is_no_yardstick(comparison: ModuleType) -> None:
    with pytest.raises(ValueError, match="float32"):
        comparison.ratios([figures(comparison, "ours", "int8", (20.0,))], half="bfloat16")


def test_what_errs_more_is_no_contender(comparison: ModuleType) -> None:
    measured = [
        figures(comparison, "ours", "float32", (100.0,)),
        figures(comparison, "ours", "float32/condensed", (31.0,)),
        figures(comparison, "ours", "int8/condensed", (20.0,), wer_percent=10.4),
        figures(comparison, "faster-whisper", "int8", (100.0,), wer_percent=20.0),
        figures(comparison, "faster-whisper", "float32", (109.0,)),
        figures(comparison, "faster-whisper", "float16", (120.0,)),
        figures(comparison, "transformers", "float32", (200.0,)),
    ]
    kept = comparison.contenders(measured, 1.1)
    assert {(one.tool, one.precision) for one in kept} == {
        ("ours", "float32/condensed"),
        ("faster-whisper", "int8"),
        ("faster-whisper", "float32"),
        ("transformers", "float32"),
    }


def test_over_models_the_smallest_ratio_counts(comparison: ModuleType) -> None:
    found = comparison.smallest([{"a": 3.0, "b": 2.0}, {"a": 2.5, "b": None}])
    assert found == {"a": 2.5, "b": None}


def test_files_are_shared_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    corpus = importlib.import_module("corpus")
    assert corpus.balanced([1.0, 6.0, 2.0, 3.0], 2) == [[1], [3, 2, 0]]


def test_a_runner_is_set_against_the_loop_of_the_same_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runners = importlib.import_module("runners")
    loop = runners.Measured(work=[10.0, 20.0, 40.0], whole=[11.0, 21.0, 41.0])
    slower = runners.Measured(work=[15.0, 30.0, 44.0], whole=[20.0, 35.0, 50.0])
    table = runners.table({runners.LOOP: loop, "Prism": slower})
    assert "| plain loop | 20.0 | 1.00 | +0.0 | 21.0 |" in table
    assert "| Prism | 30.0 | 1.50 | +10.0 | 35.0 |" in table


def test_memory_that_grows_with_a_list_has_a_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    lists = importlib.import_module("lists_elsewhere")
    runs = [
        lists.Run(count, 5.0, 60.0, {"worker": 300.0 + count / (1 << 10)})
        for count in (2048, 4096, 20480)
    ]
    table = lists.table(runs)
    assert "| worker, MiB | 302 | 304 | 320 | 1024 (1024 to 1024) |" in table
    assert "| first commit, s | 5 | 5 | 5 |" in table
