from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality.rules import load_rules, parse_rules
from beam_audio.report.rules_in_force import find_rules, margin_queries, run_files, thresholds

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
name: own
rules:
  - {reason: wer_high, decision: drop, column: wer, above: 0.3}
  - reason: silence
    decision: drop
    all:
      - {column: no_speech_prob, above: 0.6}
      - {column: avg_logprob, below: -1.0}
  - {reason: unreferenced, decision: keep, column: has_reference, is: false}
  - {reason: podcasts, decision: review, column: wer, above: 0.1, sources: ["*/podcasts/*"]}
"""


def test_presets_and_files_of_earlier_runs_are_found_by_id(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN, encoding="utf-8")
    own = load_rules(str(file))
    runs = [{"configuration": {"rules": "gone.yaml"}}, {"configuration": {"rules": str(file)}}]
    assert find_rules(own.rules_id, runs) == own
    assert find_rules(load_rules("strict").rules_id, []) == load_rules("strict")
    assert find_rules("own-00000000", runs) is None
    assert find_rules(f"{own.rules_id}-corpus-12345678", runs) == own
    assert find_rules(own.rules_id, [], str(file)) == own
    with pytest.raises(ConfigError, match="were judged by own-00000000"):
        find_rules("own-00000000", [], str(file))
    file.write_text(OWN.replace("0.3", "0.4"), encoding="utf-8")
    assert find_rules(own.rules_id, runs) is None


def test_run_files_come_in_order_and_damaged_ones_are_left_out(tmp_path: Path) -> None:
    for name, text in (("b", '{"run_id": "b"}'), ("a", '{"run_id": "a"}'), ("c", "{"), ("d", "1")):
        (tmp_path / f"run-{name}.json").write_text(text, encoding="utf-8")
    assert [run["run_id"] for run in run_files(str(tmp_path))] == ["a", "b"]


def test_a_threshold_beside_others_cannot_be_moved_alone() -> None:
    found = thresholds(parse_rules(OWN, "own"), {"wer", "no_speech_prob"})
    assert {(each.measure, each.bound, each.is_alone) for each in found} == {
        ("no_speech_prob", 0.6, False),
        ("wer", 0.1, True),
        ("wer", 0.3, True),
    }
    assert not list(thresholds(None, {"wer"}))


@pytest.mark.parametrize(
    ("values", "wer_high", "silence"),
    [
        ("3e-1 AS wer, 6e-1 AS no_speech_prob, -2e0 AS avg_logprob", 0.0, 0.0),
        ("5e-1 AS wer, 7e-1 AS no_speech_prob, -2e0 AS avg_logprob", 1.0, 0.5),
        # The measure that keeps a rule from applying is the one that counts.
        ("1e-1 AS wer, 9e-1 AS no_speech_prob, -9e-1 AS avg_logprob", 1.0, 0.1),
        ("NULL::DOUBLE AS wer, 9e-1 AS no_speech_prob, NULL::DOUBLE AS avg_logprob", None, None),
    ],
)
def test_margins_are_distances_to_the_edge_of_a_rule(
    values: str, wer_high: float | None, silence: float | None
) -> None:
    spreads = {"wer": 0.2, "no_speech_prob": 0.2, "avg_logprob": 1.0}
    queries = margin_queries(parse_rules(OWN, "own"), spreads)
    assert set(queries) == {"silence", "wer_high"}
    columns = ", ".join(queries.values())
    row = duckdb.connect().execute(f"SELECT {columns} FROM (SELECT {values})").fetchone()
    assert dict(zip(queries, row or (), strict=True)) == {
        "silence": pytest.approx(silence),
        "wer_high": pytest.approx(wer_high),
    }
