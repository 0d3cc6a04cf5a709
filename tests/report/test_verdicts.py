from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import read_rows

from beam_audio.quality.rules import load_rules, parse_rules
from beam_audio.report.verdicts import differences, values_of, verdicts

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import Row


@pytest.fixture(scope="module")
def pairs(output: Path) -> list[tuple[Row, Row]]:
    recordings = {row["recording_id"]: row for row in read_rows(output, "recordings")}
    return [(row, recordings[row["recording_id"]]) for row in read_rows(output, "segments")]


def test_rules_decide_from_rows_as_the_run_decided(pairs: list[tuple[Row, Row]]) -> None:
    for segment, recording in pairs:
        found = load_rules("balanced").decide(values_of(segment, recording))
        assert found == (segment["decision"], tuple(segment["reasons"]))


def test_each_rule_says_what_it_saw(pairs: list[tuple[Row, Row]]) -> None:
    segment, recording = pairs[0]
    rules = load_rules("balanced")
    found = verdicts(rules, values_of(segment, recording), segment["reasons"])
    assert {each["reason"] for each in found if each["applies"]} == set(segment["reasons"])
    (wer,) = (each for each in found if each["reason"] == "wer_high")
    (condition,) = (each for each in wer["conditions"] if each["column"] == "wer")
    assert condition["value"] == segment["wer"]
    assert (condition["comparison"], condition["bound"]) == ("above", 0.3)


def test_rules_of_other_languages_and_of_the_corpus_apply_only_where_they_do(
    pairs: list[tuple[Row, Row]],
) -> None:
    text = """
rules:
  - {reason: german, decision: drop, column: wer, above: -1, languages: [de]}
  - {reason: odd_rate, decision: review, column: snr_db, outside_quartiles: 1.5}
  - {reason: said, decision: review, column: metadata.source, is: even}
"""
    segment, recording = next(each for each in pairs if '"even"' in each[0]["metadata"])
    for reasons, expected in (([], {"said"}), (["odd_rate"], {"said", "odd_rate"})):
        found = verdicts(parse_rules(text, "own"), values_of(segment, recording), reasons)
        assert {each["reason"] for each in found if each["applies"]} == expected


def test_differences_are_of_the_texts_that_were_compared() -> None:
    row = {
        "reference_text": "It's fine, OK?",
        "text": "it is fine now",
        "normalizer_id": "whisper-en-2",
    }
    steps = differences(row, "en")
    assert steps is not None
    assert steps[0] == ["equal", "it is fine", "it is fine"]
    assert [step[0] for step in steps[1:]] == ["substitute"]
    chinese = {"reference_text": "你好吗", "text": "你好", "normalizer_id": "basic-2"}
    assert differences(chinese, "zh") == [["equal", "你好", "你好"], ["delete", "吗", ""]]
    assert differences(row | {"reference_text": None}, "en") is None
    assert differences(row | {"reference_text": "..."}, "en") == [["insert", "", "it is fine now"]]
    assert differences(row | {"normalizer_id": "not_here:function"}, "en") is None
