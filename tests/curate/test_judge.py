"""Judging all segments of a unit at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import judged_outputs

from beam_audio.curate.curate_unit import read_evidence
from beam_audio.curate.judge import judge
from beam_audio.errors import ConfigError
from beam_audio.output.commits import read_commits
from beam_audio.quality.rules import load_rules, parse_rules

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.curate.evidence import Evidence


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    inputs = judged_outputs.inputs(tmp_path / "in")
    using = judged_outputs.using(load_rules("strict"))
    out = judged_outputs.output(tmp_path / "out", inputs, using)
    unit = min(read_commits(str(out)), key=lambda each: len(each.sources))  # it has all texts
    return read_evidence(str(out), unit, frozenset({"text", "snr_db"}))


def test_the_strictest_rule_decides_and_all_reasons_are_named(evidence: Evidence) -> None:
    rules = parse_rules(
        "rules:\n"
        "  - {reason: b, decision: review, column: text, matches: .}\n"
        "  - {reason: c, decision: drop, column: text, contains: goes}\n"
        "  - {reason: a, decision: keep, column: text, contains: so it}\n",
        "here",
    )
    verdicts = judge(evidence, rules)
    texts = evidence.segments["text"].to_pylist()
    decided = (verdicts.decisions.to_pylist(), map(tuple, verdicts.reasons.to_pylist()))
    by_text = set(zip(texts, *decided, strict=True))
    assert ("", "keep", ()) in by_text
    assert {reasons for text, _, reasons in by_text if "goes" in text} == {("a", "b", "c")}
    assert {decision for text, decision, _ in by_text if "goes" in text} == {"drop"}
    assert ("今天天氣很好", "review", ("b",)) in by_text


def test_a_rule_that_no_segment_meets_keeps_all(evidence: Evidence) -> None:
    rules = parse_rules("rules: [{reason: a, decision: drop, column: snr_db, above: 999}]", "here")
    assert set(judge(evidence, rules).decisions.to_pylist()) == {"keep"}


def test_fences_without_a_corpus_are_refused(evidence: Evidence) -> None:
    rule = "{reason: a, decision: drop, column: snr_db, outside_quartiles: 1}"
    with pytest.raises(ConfigError, match="quartiles of the corpus"):
        judge(evidence, parse_rules(f"rules: [{rule}]", "here"))
